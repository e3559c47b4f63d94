"""The rules by which changes are judged: every kind of change, and how heavy it is in either direction.

What the client sends may become wider without harm, and what it receives narrower; the other way round breaks somebody.
Decoding is open: values, arms and fields that a client does not know do not break it, so those that are added to
something received are no break. The types are a public Python API as well: a name that vanishes is one, whoever writes
the value.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from codegen.ir import Direction

Severity: TypeAlias = Literal["patch", "minor", "major"]

_RANK: Final = {"patch": 1, "minor": 2, "major": 3}


def worst(severities: list[Severity]) -> Severity | None:
    """Return the heaviest of some severities, or ``None`` when there are none."""
    return max(severities, key=_RANK.__getitem__, default=None)


class Rule(NamedTuple):
    """A kind of change.

    Attributes:
        id: Its name, in reports and in lists of accepted breaks.
        sent: How heavy it is for what the client sends.
        received: How heavy it is for what the client receives.
        reverse: The kind of the opposite change; its own where both are of the same kind.
        text: What has changed, and why it is as heavy as it is.
    """

    id: str
    sent: Severity
    received: Severity
    reverse: str
    text: str

    @property
    def directed(self) -> bool:
        """Whether it matters who writes the value."""
        return self.sent != self.received

    def severity(self, direction: Direction) -> Severity:
        """Return how heavy it is in the directions given, or in any when none is."""
        directions = direction or Direction.SENT | Direction.RECEIVED
        found: list[Severity] = []
        if Direction.SENT in directions:
            found.append(self.sent)
        if Direction.RECEIVED in directions:
            found.append(self.received)
        return worst(found) or "major"


_METHODS = (
    Rule("method-added", "minor", "minor", "method-removed", "A method is new."),
    Rule("method-removed", "major", "major", "method-added", "A method is gone, and its descriptor with it."),
    Rule("method-direction", "major", "major", "method-direction", "A message is sent by the other side."),
    Rule("method-deprecated", "minor", "minor", "method-undeprecated", "A method is deprecated; its wrapper warns."),
    Rule("method-undeprecated", "patch", "patch", "method-deprecated", "A method is not deprecated any more."),
    Rule("method-description", "patch", "patch", "method-description", "A method is described in other words."),
    Rule("method-moved", "patch", "patch", "method-moved", "A method stands in another file of the contract."),
    Rule("answer-added", "major", "major", "answer-removed", "A notification is a request now and wants an answer."),
    Rule("answer-removed", "major", "major", "answer-added", "A request is a notification now; no answer comes."),
    Rule("cancellable-gained", "minor", "minor", "cancellable-lost", "A request can be cancelled now."),
    Rule("cancellable-lost", "major", "major", "cancellable-gained", "A request cannot be cancelled any more."),
    Rule("long-running-gained", "minor", "minor", "long-running-lost", "A request has no default deadline any more."),
    Rule("long-running-lost", "major", "major", "long-running-gained", "A request is cut short by a default deadline."),
    Rule("mutates-gained", "major", "major", "mutates-lost", "A request changes state, so it cannot just be repeated."),
    Rule("mutates-lost", "minor", "minor", "mutates-gained", "A request changes nothing any more."),
    Rule("requirement-added", "major", "major", "requirement-removed", "A method is not always there any more."),
    Rule("requirement-removed", "minor", "minor", "requirement-added", "A method is always there now."),
    Rule("requirement-changed", "major", "major", "requirement-changed", "A method depends on something else."),
    Rule("null-id-gained", "minor", "minor", "null-id-lost", "Errors of parameters come without the request's id."),
    Rule("null-id-lost", "patch", "patch", "null-id-gained", "Errors of parameters come with the request's id."),
    Rule("route-changed", "major", "major", "route-changed", "Another parameter says where a notification belongs."),
    Rule("method-error-added", "minor", "minor", "method-error-removed", "A method raises one more error."),
    Rule("method-error-removed", "minor", "minor", "method-error-added", "A method does not raise an error any more."),
)  # fmt: skip

_WRAPPERS = (
    Rule("wrapper-added", "minor", "minor", "wrapper-removed", "A method has a wrapper now."),
    Rule("wrapper-removed", "major", "major", "wrapper-added", "A method has no wrapper any more."),
    Rule("wrapper-renamed", "major", "major", "wrapper-renamed", "The wrapper of a method has another name."),
    Rule("wrapper-returns", "major", "major", "wrapper-returns", "A wrapper returns something else."),
    Rule("wrapper-request", "major", "major", "wrapper-request", "A wrapper takes its parameters in another form."),
    Rule("positional-added", "minor", "minor", "positional-removed", "One more parameter may be given by position."),
    Rule("positional-removed", "major", "major", "positional-added", "A parameter must be given by name now."),
    Rule("positional-order", "major", "major", "positional-order", "Parameters by position have another order."),
    Rule("options-added", "minor", "minor", "options-removed", "The optional parameters have a TypedDict now."),
    Rule("options-removed", "major", "major", "options-added", "The TypedDict of the optional parameters is gone."),
    Rule("options-renamed", "major", "major", "options-renamed", "The TypedDict of the parameters has another name."),
)  # fmt: skip

_PARAMETERS = (
    Rule("params-renamed", "major", "major", "params-renamed", "The params struct has another name."),
    Rule("params-form", "major", "major", "params-form", "Listed parameters have become one type, or the reverse."),
    Rule("param-added-optional", "minor", "minor", "param-removed", "There is one more parameter, an optional one."),
    Rule("param-added-required", "major", "minor", "param-removed", "A parameter is new, and has to be sent."),
    Rule("param-removed", "major", "major", "param-added-optional", "A parameter is gone; callers still name it."),
    Rule("param-required", "major", "minor", "param-optional", "A parameter could be left out and cannot any more."),
    Rule("param-optional", "minor", "major", "param-required", "A parameter may be left out now, so it may be absent."),
    Rule("param-renamed", "major", "major", "param-renamed", "A parameter has another name in Python."),
    Rule("param-order", "major", "patch", "param-order", "Required parameters, which go by position, change places."),
    Rule("param-deprecated", "minor", "minor", "param-undeprecated", "A parameter is deprecated."),
    Rule("param-undeprecated", "patch", "patch", "param-deprecated", "A parameter is not deprecated any more."),
    Rule("param-description", "patch", "patch", "param-description", "A parameter is described in other words."),
)  # fmt: skip

_FIELDS = (
    Rule("field-added-optional", "minor", "minor", "field-removed", "There is one more field, an optional one."),
    Rule("field-added-required", "major", "minor", "field-removed", "A field is new, and has to be sent."),
    Rule("field-removed", "major", "major", "field-added-optional", "A field is gone; code still names it."),
    Rule("field-required", "major", "minor", "field-optional", "A field could be left out and cannot any more."),
    Rule("field-optional", "minor", "major", "field-required", "A field may be left out now, so it may be absent."),
    Rule("field-renamed", "major", "major", "field-renamed", "A field has another name in Python."),
    Rule("field-deprecated", "minor", "minor", "field-undeprecated", "A field is deprecated."),
    Rule("field-undeprecated", "patch", "patch", "field-deprecated", "A field is not deprecated any more."),
    Rule("field-description", "patch", "patch", "field-description", "A field is described in other words."),
    Rule("default-added", "minor", "minor", "default-removed", "Absence has a meaning now."),
    Rule("default-removed", "minor", "major", "default-added", "Absence has no meaning any more; it reads as None."),
    Rule("default-changed", "minor", "major", "default-changed", "Absence means something else."),
)  # fmt: skip

_VALUES = (
    Rule("null-added", "minor", "major", "null-removed", "Null is one of the values now."),
    Rule("null-removed", "major", "minor", "null-added", "Null is no value any more."),
    Rule("type-changed", "major", "major", "type-changed", "The type is another one altogether."),
    Rule("type-widened", "minor", "major", "type-narrowed", "The type takes in more than before."),
    Rule("type-narrowed", "major", "minor", "type-widened", "The type takes in less than before."),
    Rule("type-freed", "minor", "major", "type-fixed", "What had a type is any JSON value now."),
    Rule("type-fixed", "major", "major", "type-freed", "What was any JSON has a type; a dict may be an object now."),
    Rule("type-replaced", "major", "major", "type-replaced", "Another named type stands here."),
    Rule("alias-replaced", "patch", "patch", "alias-replaced", "The same JSON goes by another name."),
    Rule("set-opened", "minor", "major", "set-closed", "The values of a set are any strings now."),
    Rule("set-closed", "major", "minor", "set-opened", "Any strings are the values of a set now."),
    Rule("set-named", "minor", "minor", "set-unnamed", "A set of values has become an enum."),
    Rule("set-unnamed", "minor", "major", "set-named", "An enum has become strings, which have no members."),
    Rule("choice-added", "minor", "minor", "choice-removed", "A set in place has one more value."),
    Rule("choice-removed", "major", "patch", "choice-added", "A set in place has a value less."),
    Rule("minimum-raised", "major", "patch", "minimum-lowered", "The least value is greater; what is sent is checked."),
    Rule("minimum-lowered", "minor", "patch", "minimum-raised", "The least value is smaller."),
    Rule("maximum-lowered", "major", "patch", "maximum-raised", "The greatest value is smaller."),
    Rule("maximum-raised", "minor", "patch", "maximum-lowered", "The greatest value is greater."),
    Rule("length-tightened", "major", "patch", "length-loosened", "Fewer lengths are good."),
    Rule("length-loosened", "minor", "patch", "length-tightened", "More lengths are good."),
    Rule("format-added", "major", "minor", "format-removed", "Strings must have a form."),
    Rule("format-removed", "minor", "major", "format-added", "Strings have no certain form any more."),
    Rule("format-changed", "major", "major", "format-changed", "Strings have another form."),
    Rule("number-widened", "minor", "minor", "number-narrowed", "A number may have more bits."),
    Rule("number-narrowed", "major", "patch", "number-widened", "A number has fewer bits."),
)  # fmt: skip

_TYPES = (
    Rule("type-added", "minor", "minor", "type-removed", "A type is new."),
    Rule("type-removed", "major", "major", "type-added", "A type is gone, and its name with it."),
    Rule("type-form", "major", "major", "type-form", "A type is of another kind: struct, enum, union or plain value."),
    Rule("type-deprecated", "minor", "minor", "type-undeprecated", "A type is deprecated."),
    Rule("type-undeprecated", "patch", "patch", "type-deprecated", "A type is not deprecated any more."),
    Rule("type-description", "patch", "patch", "type-description", "A type is described in other words."),
    Rule("type-moved", "patch", "patch", "type-moved", "A type stands in another file of the contract."),
    Rule("receiving-begun", "minor", "minor", "receiving-ended", "A type that was only sent is received as well."),
    Rule("receiving-ended", "major", "major", "receiving-begun", "A type is only sent now; an enum has no members."),
    Rule("sending-begun", "minor", "minor", "sending-ended", "A type that was only received is sent as well."),
    Rule("sending-ended", "patch", "patch", "sending-begun", "A type is only received now."),
    Rule("struct-closed", "major", "patch", "struct-opened", "Unknown fields are refused now."),
    Rule("struct-opened", "minor", "patch", "struct-closed", "Unknown fields are ignored now."),
    Rule("one-field-begun", "major", "minor", "one-field-ended", "Exactly one field must be there now."),
    Rule("one-field-ended", "minor", "major", "one-field-begun", "More or fewer fields than one may be there now."),
    Rule("base-added", "minor", "minor", "base-removed", "A struct has a base now."),
    Rule("base-removed", "major", "major", "base-added", "A struct has not the same base any more."),
    Rule("struct-tag", "major", "major", "struct-tag", "A struct has another tag or tag value."),
    Rule("enum-value-added", "minor", "minor", "enum-value-removed", "An enum has one more value."),
    Rule("enum-value-removed", "major", "major", "enum-value-added", "An enum has a value less; its member is gone."),
    Rule("arm-added", "minor", "minor", "arm-removed", "A union has one more arm."),
    Rule("arm-removed", "major", "major", "arm-added", "A union has an arm less."),
    Rule("arm-replaced", "major", "major", "arm-replaced", "Another type stands for a tag value."),
    Rule("tag-renamed", "major", "major", "tag-renamed", "Another field tells the arms of a union apart."),
    Rule("union-classes", "major", "major", "union-classes", "The common classes of the arms have other names."),
    Rule("union-classes-added", "minor", "minor", "union-classes-removed", "The arms have common classes now."),
    Rule("union-classes-removed", "major", "major", "union-classes-added", "The arms have no common classes any more."),
    Rule("read-added", "minor", "minor", "read-removed", "A value further inside can be read by a name of its own."),
    Rule("read-removed", "major", "major", "read-added", "A value further inside lost its name; code still reads it."),
    Rule("read-changed", "major", "major", "read-changed", "A name for a value further inside reads another one."),
    Rule("member-added", "minor", "major", "member-removed", "There is one more form, without a tag to know it by."),
    Rule("member-removed", "major", "minor", "member-added", "There is a form less."),
    Rule("member-order", "minor", "minor", "member-order", "The forms are tried in another order."),
)  # fmt: skip

_ERRORS = (
    Rule("error-added", "minor", "minor", "error-removed", "An error is new."),
    Rule("error-removed", "major", "major", "error-added", "An error is gone, and its class with it."),
    Rule("error-code", "major", "major", "error-code", "An error has another code."),
    Rule("error-message", "patch", "patch", "error-message", "An error has another message."),
    Rule("error-description", "patch", "patch", "error-description", "An error is described in other words."),
    Rule("error-class", "major", "major", "error-class", "An error is raised as another class."),
    Rule("error-base-gained", "minor", "minor", "error-base-lost", "A class of errors derives from one more class."),
    Rule("error-base-lost", "major", "major", "error-base-gained", "`except` for a base does not catch an error now."),
    Rule("error-attribute-added", "minor", "minor", "error-attribute-removed", "An error has one more attribute."),
    Rule("error-attribute-removed", "major", "major", "error-attribute-added", "An error has an attribute less."),
    Rule("error-attribute-type", "major", "major", "error-attribute-type", "An attribute is of another type."),
    Rule("error-data-added", "minor", "minor", "error-data-removed", "An error carries data now."),
    Rule("error-data-removed", "major", "major", "error-data-added", "An error carries no data any more."),
    Rule("error-data-type", "major", "major", "error-data-type", "The data of an error are of another type."),
)  # fmt: skip

RULES: Final[dict[str, Rule]] = {
    rule.id: rule for rule in (*_METHODS, *_WRAPPERS, *_PARAMETERS, *_FIELDS, *_VALUES, *_TYPES, *_ERRORS)
}
