"""A contract made for comparison, edits of it, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from codegen.diff.contracts import compare
from codegen.load import load
from codegen.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.diff.changes import Change
    from codegen.ir import Contract

Document = dict[str, Any]

SIDES = ("sent", "received")


def ref(name: str, kind: str = "schemas") -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def param(name: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"The {name}.", "schema": schema, **more}


def struct(*required: str, **properties: Any) -> dict[str, Any]:
    """Return a struct of the contract."""
    return {
        "type": "object",
        "description": "A thing.",
        "x-module": "things",
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }


def union(tag: str, **arms: str) -> dict[str, Any]:
    mapping = {value: ref(name)["$ref"] for value, name in arms.items()}
    return {
        "description": "One of several.",
        "x-module": "things",
        "oneOf": [ref(name) for name in arms.values()],
        "discriminator": {"propertyName": tag, "mapping": mapping},
    }


def arm(tag: str, value: str, **properties: Any) -> dict[str, Any]:
    return struct(tag, **{tag: {"const": value}}, **properties)


def document(side: str = "sent", value: Any = None) -> Document:
    """Return a bundled contract.

    Args:
        side: Who writes what `value` describes.
        value: Schema of the field `value` of the struct that only that side writes.
    """
    plain = {"type": "string"}
    return {
        "openrpc": "1.3.2",
        "info": {"title": "Things", "version": "1.2.3"},
        "methods": [
            {
                "name": "thing/changed",
                "summary": "A thing has changed.",
                "x-module": "things",
                "x-direction": "server-to-client",
                "x-params-type": "ThingChangedParams",
                "x-python": {"wrapper": False},
                "x-route-by": "first",
                "params": [
                    param("first", plain, required=True),
                    param("second", plain, required=True),
                    param("third", plain),
                    param("thing", ref("Received")),
                ],
            },
            {
                "name": "thing/send",
                "summary": "Send a thing.",
                "x-module": "things",
                "x-mutates": False,
                "x-params-type": "ThingSendParams",
                "x-python": {"name": "send_thing", "positional": ["third"], "options": "ThingOptions"},
                "params": [
                    param("first", plain, required=True),
                    param("second", plain, required=True),
                    param("third", plain),
                    param("fourth", plain),
                    param("thing", ref("Sent")),
                ],
                "result": {"name": "thing", "description": "The thing.", "schema": ref("Received")},
                "errors": [ref("Lost", "errors")],
            },
        ],
        "components": {
            "schemas": {
                "Sent": struct(value=value if side == "sent" and value is not None else plain),
                "Received": struct(value=value if side == "received" and value is not None else plain),
            },
            "errors": {
                "Lost": {"code": -1, "message": "It is lost."},
                "Stolen": {"code": -2, "message": "It is stolen."},
            },
            "x-errors": {
                "Lost": {"x-module": "errors", "description": "Nobody has it.", "x-python": {"class": "LostError"}},
                "Stolen": {
                    "x-module": "errors",
                    "description": "Somebody has it.",
                    "x-python": {"class": "StolenError", "base": "LostError"},
                },
            },
        },
    }


def named(side: str) -> str:
    """Return the name of the struct that one side writes."""
    return side.capitalize()


def schemas(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def thing(document: Document, side: str) -> dict[str, Any]:
    """Return the struct that one side writes."""
    found: dict[str, Any] = schemas(document)[named(side)]
    return found


def method(document: Document, side: str) -> dict[str, Any]:
    """Return the message that one side sends."""
    found: dict[str, Any] = document["methods"][1 if side == "sent" else 0]
    return found


def contract_of(document: Document) -> Contract:
    problems = Problems()
    methods: list[dict[str, Any]] = document["methods"]
    methods.sort(key=lambda entry: str(entry["name"]))
    contract = load(document, "", problems)
    problems.raise_if_any()
    return contract


def changes(old: Document, new: Document) -> list[Change]:
    return compare(contract_of(old), contract_of(new))


def verdicts(old: Document, new: Document) -> set[str]:
    """Return the changes, each as its rule and how heavy it is."""
    return {f"{change.rule.id} {change.severity}" for change in changes(old, new)}


class Case(NamedTuple):
    """An edit, and what it and its reverse are for what is sent and for what is received.

    Attributes:
        edit: Changes a contract, on one side.
        forward: Rule, and how heavy it is on either side: `rule sent received`; several are separated by commas.
        backward: The same for the reverse edit.
        before: What the edit starts from.
        sides: The sides where the edit makes sense.
    """

    edit: Callable[[Document, str], Any]
    forward: str
    backward: str
    before: Callable[[Document, str], Any] = lambda _document, _side: None
    sides: tuple[str, ...] = SIDES


def expected(text: str, side: str) -> set[str]:
    found = [part.split() for part in text.split(",") if part.strip()]
    return {f"{rule} {sent if side == 'sent' else received}" for rule, sent, received in found}
