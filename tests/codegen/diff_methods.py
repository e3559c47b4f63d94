"""Edits of methods, of their wrappers and of errors."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.codegen.diff_types import INTEGER, STRING
from tests.codegen.diffing import Case, Document, method, named, param, ref

if TYPE_CHECKING:
    from collections.abc import Callable


def on_method(**more: Any) -> Callable[[Document, str], None]:
    """An edit of keys of a method; None removes one."""

    def edit(contract: Document, side: str) -> None:
        entry = method(contract, side)
        for key, content in more.items():
            name = key.replace("x_", "x-").replace("_", "-") if key.startswith("x_") else key
            if content is None:
                entry.pop(name, None)
            else:
                entry[name] = copy.deepcopy(content)

    return edit


def flag(name: str, forward: str, backward: str) -> Case:
    return Case(on_method(**{name: True}), forward, backward, sides=("sent",))


def on_param(index: int, **more: Any) -> Callable[[Document, str], None]:
    return lambda contract, side: method(contract, side)["params"][index].update(copy.deepcopy(more))


def add_method(contract: Document, side: str) -> None:
    entry = copy.deepcopy(method(contract, side))
    entry["name"] = "thing/novel"
    entry["x-params-type"] = "ThingNovelParams"
    contract["methods"].append(entry)


def swap_params(contract: Document, side: str) -> None:
    params = method(contract, side)["params"]
    params[0], params[1] = params[1], params[0]


def add_optional_param(contract: Document, side: str) -> None:
    method(contract, side)["params"].append(param("novel", STRING))


def drop_last_param(contract: Document, side: str) -> None:
    method(contract, side)["params"].pop()


def add_required_param(contract: Document, side: str) -> None:
    method(contract, side)["params"].insert(0, param("novel", STRING, required=True))


def hand_over(contract: Document, side: str) -> None:
    entry = method(contract, side)
    entry["x-params-type"] = ref(named(side))
    entry["params"] = []
    entry.pop("x-route-by", None)


def without_hints(contract: Document, side: str) -> None:
    method(contract, side)["x-python"] = {"wrapper": False}
    method(contract, side).pop("x-route-by", None)


def to_request(contract: Document, side: str) -> None:
    result = {"name": "answer", "description": "The answer.", "schema": STRING}
    method(contract, "received").update({"result": result, "x-mutates": True})


METHODS = {
    "a method": Case(add_method, "method-added minor minor", "method-removed major major"),
    "a deprecated method": Case(
        on_method(deprecated=True), "method-deprecated minor minor", "method-undeprecated patch patch"
    ),
    "other words for a method": Case(
        on_method(description="Other words."), "method-description patch patch", "method-description patch patch"
    ),
    "another file for a method": Case(
        on_method(x_module="others"), "method-moved patch patch", "method-moved patch patch"
    ),
    "an answer": Case(
        to_request, "answer-added major major", "answer-removed major major", sides=("received",)
    ),
    "the other side sends it": Case(
        on_method(x_direction="client-to-server"),
        "method-direction major major",
        "method-direction major major",
        drop_last_param,
        sides=("received",),
    ),
    "cancellable": flag("x_cancellable", "cancellable-gained minor minor", "cancellable-lost major major"),
    "long-running": flag("x_long_running", "long-running-gained minor minor", "long-running-lost major major"),
    "mutates": flag("x_mutates", "mutates-gained major major", "mutates-lost minor minor"),
    "errors without id": flag("x_null_id_errors", "null-id-gained minor minor", "null-id-lost patch patch"),
    "a requirement": Case(
        on_method(x_requires="live"), "requirement-added major major", "requirement-removed minor minor"
    ),
    "another requirement": Case(
        on_method(x_requires="live"),
        "requirement-changed major major",
        "requirement-changed major major",
        on_method(x_requires="mobs"),
    ),
    "another route": Case(
        on_method(x_route_by="second"), "route-changed major major", "route-changed major major", sides=("received",)
    ),
    "an error": Case(
        on_method(errors=[ref("Lost", "errors"), ref("Stolen", "errors")]),
        "method-error-added minor minor",
        "method-error-removed minor minor",
        sides=("sent",),
    ),
    "an optional parameter": Case(
        add_optional_param,
        "param-added-optional minor minor",
        "param-removed major major",
    ),
    "a required parameter": Case(
        add_required_param, "param-added-required major minor", "param-removed major major"
    ),
    "a parameter becomes required": Case(
        on_param(2, required=True), "param-required major minor", "param-optional minor major", without_hints
    ),
    "another Python name of a parameter": Case(
        on_param(0, **{"x-python": {"name": "novel"}}), "param-renamed major major", "param-renamed major major"
    ),
    "another order of parameters": Case(swap_params, "param-order major patch", "param-order major patch"),
    "a deprecated parameter": Case(
        on_param(0, deprecated=True), "param-deprecated minor minor", "param-undeprecated patch patch"
    ),
    "other words for a parameter": Case(
        on_param(0, description="Other words."), "param-description patch patch", "param-description patch patch"
    ),
    "another type of a parameter": Case(
        on_param(0, schema=INTEGER), "type-changed major major", "type-changed major major"
    ),
    "another name of the params struct": Case(
        on_method(x_params_type="NovelParams"), "params-renamed major major", "params-renamed major major"
    ),
    "parameters as one type": Case(
        hand_over, "params-form major major", "params-form major major", without_hints
    ),
    "another result": Case(
        on_method(result={"name": "thing", "description": "The thing.", "schema": {"type": "array", "items": STRING}}),
        "type-changed major major",
        "type-changed major major",
        sides=("sent",),
    ),
}  # fmt: skip


def wrapper(**hints: Any) -> Callable[[Document, str], None]:
    plain = {"name": "send_thing", "positional": ["third"], "options": "ThingOptions", **hints}
    return on_method(x_python={key: hint for key, hint in plain.items() if hint is not None})


def wrapper_case(forward: str, backward: str, **hints: Any) -> Case:
    return Case(wrapper(**hints), forward, backward, sides=("sent",))


WRAPPERS = {
    "a wrapper": Case(
        wrapper(),
        "wrapper-added minor minor",
        "wrapper-removed major major",
        on_method(x_python={"wrapper": False, "options": "ThingOptions"}),
        sides=("sent",),
    ),
    "another name": wrapper_case("wrapper-renamed major major", "wrapper-renamed major major", name="post_thing"),
    "an unwrapped result": wrapper_case("wrapper-returns major major", "wrapper-returns major major", unwrap="value"),
    "no result": wrapper_case("wrapper-returns major major", "wrapper-returns major major", returns="none"),
    "None for a marker": wrapper_case("wrapper-returns major major", "wrapper-returns major major", none_when="value"),
    "one argument": wrapper_case(
        "wrapper-request major major, positional-removed major major",
        "wrapper-request major major, positional-added minor minor",
        request="params",
        positional=None,
    ),
    "by position": wrapper_case(
        "positional-added minor minor", "positional-removed major major", positional=["third", "fourth"]
    ),
    "by position, before another": wrapper_case(
        "positional-added minor minor, positional-order major major",
        "positional-removed major major",
        positional=["fourth", "third"],
    ),
    "another order by position": Case(
        wrapper(positional=["fourth", "third"]),
        "positional-order major major",
        "positional-order major major",
        wrapper(positional=["third", "fourth"]),
        sides=("sent",),
    ),
    "options": wrapper_case("options-removed major major", "options-added minor minor", options=None),
    "another name of the options": wrapper_case(
        "options-renamed major major", "options-renamed major major", options="NovelOptions"
    ),
}


def on_error(**more: Any) -> Callable[[Document, str], None]:
    """An edit of the error `Stolen`."""

    def edit(contract: Document, side: str) -> None:
        components = contract["components"]
        for name, content in copy.deepcopy(more).items():
            key = name.rstrip("_")
            if key in {"code", "message"}:
                components["errors"]["Stolen"][key] = content
            elif key == "description":
                components["x-errors"]["Stolen"][key] = content
            elif key == "data":
                components["x-errors"]["Stolen"]["x-data"] = ref(content)
            else:
                components["x-errors"]["Stolen"]["x-python"][key] = content

    return edit


def add_error(contract: Document, side: str) -> None:
    contract["components"]["errors"]["Novel"] = {"code": -3, "message": "It is new."}
    contract["components"]["x-errors"]["Novel"] = {"x-module": "errors", "x-python": {"class": "NovelError"}}


def drop_base(contract: Document, side: str) -> None:
    del contract["components"]["x-errors"]["Stolen"]["x-python"]["base"]


def error_case(forward: str, backward: str, before: dict[str, Any] | None = None, **more: Any) -> Case:
    start = on_error(**before) if before is not None else on_error()
    return Case(on_error(**more), forward, backward, start, sides=("received",))


ERRORS = {
    "an error": Case(add_error, "error-added minor minor", "error-removed major major", sides=("received",)),
    "a code": error_case("error-code major major", "error-code major major", code=-9),
    "a message": error_case("error-message patch patch", "error-message patch patch", message="Other words."),
    "a description": error_case(
        "error-description patch patch", "error-description patch patch", description="Other words."
    ),
    "a class": error_case("error-class major major", "error-class major major", class_="TakenError"),
    "a base": Case(drop_base, "error-base-lost major major", "error-base-gained minor minor", sides=("received",)),
    "an attribute": error_case(
        "error-attribute-added minor minor",
        "error-attribute-removed major major",
        attributes={"thing": "Received"},
    ),
    "the type of an attribute": error_case(
        "error-attribute-type major major, receiving-begun minor minor",
        "error-attribute-type major major, receiving-ended major major",
        {"attributes": {"thing": "Received"}},
        attributes={"thing": "Sent"},
    ),
    "data": error_case("error-data-added minor minor", "error-data-removed major major", data="Received"),
    "the type of data": error_case(
        "error-data-type major major, receiving-begun minor minor",
        "error-data-type major major, receiving-ended major major",
        {"data": "Received"},
        data="Sent",
    ),
}
