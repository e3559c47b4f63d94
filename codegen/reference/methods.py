"""IR -> what a page says of a method."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from codegen.docs import sentences
from codegen.names import argument_name
from codegen.reference import markdown
from codegen.reference.types import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codegen.ir import Contract, Method, Property, Wrapper
    from codegen.reference.handles import Handles
    from codegen.reference.links import Links

# What the client does by itself, so that no method of its own does it.
BY_ITSELF: Mapping[str, str] = {
    "cancel": "The client sends it when a call is left early: by a deadline, a cancelled scope or the end of a stream.",
    "initialize": "`MeerkatClient.connect` sends it, and `MeerkatClient.server_info` keeps the answer.",
    "initialized": "`MeerkatClient.connect` sends it.",
    "mob/stream_end": "It ends the `EventSubscription` of the mob or member, which keeps it as `terminal_outcome`.",
    "mob/stream_event": "The `EventSubscription` of the mob or member gives its events.",
    "session/event": "The `EventStream` of a turn gives its events.",
    "session/stream_end": "It ends the `EventSubscription` of the session, which keeps it as `terminal_outcome`.",
    "session/stream_event": "The `EventSubscription` of the session gives its events.",
    "tool/execute": "The client runs the function that `MeerkatClient.tool` made a tool, and sends what it returns.",
    "tools/register": "The client sends it before its next request for functions that `MeerkatClient.tool` made tools.",
}

_REQUIREMENTS: Mapping[str, str] = {"live": "with a live listener, see `MeerkatClient.connect(live_ws=True)`"}


class MethodTexts:
    """Describes methods.

    Args:
        contract: The contract.
        handles: The Python methods.
        links: Where everything stands.
    """

    def __init__(self, contract: Contract, handles: Handles, links: Links) -> None:
        self._contract = contract
        self._handles = handles
        self._links = links

    def python(self, method: Method) -> str:
        """Return how the index names the Python methods: those of the client, if it has one, and else all."""
        found = self._handles.of(method.name)
        if found:
            shown = [each for each in found if each.handle == found[0].handle] if found[0].of_client else found
            return ", ".join(markdown.code(each.call) for each in shown)
        return "sent by the runtime" if method.from_server else "sent by the client"

    def section(self, method: Method, here: str) -> dict[str, Any]:
        """Return the context of a method's section."""
        return {
            "heading": markdown.code(method.name),
            "prose": [
                markdown.text(sentences("Deprecated." if method.deprecated else "", method.summary)),
                *markdown.paragraphs(method.description),
            ],
            "signatures": self._handles.signatures(method.name),
            "aside": "" if self._handles.of(method.name) else self._aside(method),
            "facts": self._facts(method),
            "params": self._params(method, here),
            "params_table": markdown.table(
                ("parameter", "type", "presence", "description"),
                [self._param(param, method, here) for param in method.params],
            ),
            "result": self._result(method, here),
            "errors": markdown.table(
                ("exception", "code", "meaning"),
                [
                    (self._links.raised(kind, here), markdown.code(str(kind.code)), markdown.text(kind.message))
                    for kind in (self._contract.errors[name] for name in method.errors)
                ],
            ),
        }

    def _aside(self, method: Method) -> str:
        known = BY_ITSELF.get(method.name)
        if known is not None:
            return known
        if method.from_server:
            return "The runtime sends it."
        return f"No method of its own does it; `MeerkatClient.call({json.dumps(method.name)}, {{...}})` does."

    def _facts(self, method: Method) -> list[str]:
        if method.notification or method.from_server:
            belongs = markdown.code(method.route_by) if method.route_by is not None else "nothing in particular"
            sender = "the runtime" if method.from_server else "the client"
            answered = "no, it is a notification" if method.notification else "yes"
            return markdown.table(("sent by", "answered", "belongs to"), [(sender, answered, belongs)])
        exists = _REQUIREMENTS.get(method.requires or "", f"with `{method.requires}`") if method.requires else "always"
        return markdown.table(
            ("changes state", "`cancel`", "default deadline", "exists"),
            [
                (
                    "yes" if method.mutates else "no",
                    "ends it" if method.cancellable else "has no effect",
                    "none, it runs an agent or waits for one" if method.long_running else "that of the client",
                    exists,
                )
            ],
        )

    def _params(self, method: Method, here: str) -> str:
        if method.params_type is None:
            return "none."
        if not method.derived:
            return f"one {self._links.type_name(method.params_type, here)}."
        told = f"the fields of {markdown.code(method.params_type)}."
        if method.options is None:
            return told
        return f"{told} Those that are not required are also the `TypedDict` {markdown.code(method.options)}."

    def _param(self, param: Property, method: Method, here: str) -> tuple[str, str, str, str]:
        name = markdown.code(param.wire)
        python = argument_name(param.python) if method.wrapper is not None else param.python
        if python != param.wire:
            name = f"{name}, in Python {markdown.code(python)}"
        return name, self._links.type(param.type, here), _presence(param), described(param)

    def _result(self, method: Method, here: str) -> str:
        if method.result is None:
            return ""
        told = f"{self._links.type(method.result, here)}. {markdown.text(method.result_description)}"
        return sentences(told, *(_returned(method.wrapper) if method.wrapper is not None else ()))


def _presence(param: Property) -> str:
    if param.constant is not None:
        return f"always {markdown.code(json.dumps(param.constant))}"
    if param.required:
        return "required"
    if param.default is UNSET or param.default is None:
        return "optional"
    return f"default {markdown.code(json.dumps(param.default, ensure_ascii=False, sort_keys=True))}"


def _returned(wrapper: Wrapper) -> list[str]:
    if wrapper.returns_none:
        return ["The Python method returns `None`."]
    told: list[str] = []
    if wrapper.unwrap is not None:
        told.append(f"The Python method returns its {markdown.code(wrapper.unwrap)}.")
    if wrapper.none_when is not None:
        told.append(f"The Python method returns `None` where the runtime answers {markdown.code(wrapper.none_when)}.")
    return told
