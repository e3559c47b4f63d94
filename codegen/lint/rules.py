"""Every rule that a contract can break: its id, which problems are reported with, and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from codegen.reference import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rule(NamedTuple):
    """A house rule.

    Attributes:
        id: What problems are reported with.
        text: What has to be so.
        reason: Why.
    """

    id: str
    text: str
    reason: str


_GROUPS: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Files": (
        Rule(
            "yaml",
            "Every file is YAML 1.2 in UTF-8 and holds nothing that JSON cannot hold.",
            "Dates and other types of YAML would become something else in the bundled document.",
        ),
        Rule(
            "yaml-anchor",
            "There are no anchors and aliases.",
            "What is shared has a name and is referred to by `$ref`; a second way would hide it.",
        ),
        Rule(
            "duplicate-key",
            "No key stands twice in one object.",
            "The last one would win without a word.",
        ),
        Rule(
            "files",
            "There are `info.yaml`, `extensions.yaml` and `domains.yaml`, each holding an object.",
            "The version, the extensions and the pages of the reference cannot be guessed.",
        ),
        Rule(
            "structure",
            "A file has `methods`, a list, and `components` with `schemas` and `errors`, objects.",
            "Bundling merges these parts and knows no others.",
        ),
        Rule(
            "info",
            "`info.yaml` names the version of OpenRPC, the title and the version of the contract.",
            "Both versions are written into everything that is generated.",
        ),
        Rule(
            "file-cycle",
            "Files do not need each other in a circle.",
            "Each becomes a module, and modules that import each other cannot be loaded.",
        ),
        Rule(
            "module-length",
            "No generated module has more than 800 lines.",
            "Nobody reads longer ones; the file that it is made of can be split by topic.",
        ),
        Rule(
            "domain",
            "Every file belongs to exactly one domain of `domains.yaml`.",
            "What belongs to none would be missing from the reference, and links to it would lead nowhere.",
        ),
        Rule(
            "page-length",
            "No page of the reference has more than 800 lines.",
            "Nobody finds anything on longer ones; a domain can be divided.",
        ),
    ),
    "Schemas": (
        Rule(
            "unknown-keyword",
            "Only the keywords of the known forms are used.",
            "A keyword that the generator does not know would be a promise that nothing keeps.",
        ),
        Rule(
            "form",
            "A schema has one of the known forms: scalar, array, map, enum, struct, union, reference, free JSON.",
            "Each form becomes one Python type in one way; other forms would need a second way.",
        ),
        Rule(
            "format",
            "A `format` is one of those known for its type.",
            "Formats say the unit or the coding of a value in documentation, so a wrong one misleads.",
        ),
        Rule(
            "inline",
            "Structs and unions are schemas of their own; in place stands a reference.",
            "They become classes, and a class needs a name that somebody has chosen.",
        ),
        Rule(
            "const",
            "`const` is for the tags of union arms only.",
            "Elsewhere an `enum` of one value says the same and can grow.",
        ),
        Rule(
            "nullable",
            "Null is written as `[<type>, 'null']`, or as the second of two members of `anyOf`.",
            "One spelling is one thing to read, for people and for the comparison of versions.",
        ),
        Rule(
            "enum",
            "An enum has `type: string` and distinct strings, at least one.",
            "Its values become members of a Python enum whose text is what is sent.",
        ),
        Rule(
            "struct",
            "A struct is an object, open or `additionalProperties: false`, whose size is not limited or exactly one.",
            "Other limits cannot be kept by a class.",
        ),
        Rule(
            "untagged",
            "An untagged union is `x-untagged: true` with at least two members.",
            "Members that are told apart by shape alone are read in order, which has to be meant.",
        ),
        Rule(
            "ref",
            "Every reference has the form `#/components/<kind>/<Name>` and leads somewhere.",
            "What leads nowhere cannot be generated.",
        ),
        Rule(
            "required",
            "What is `required` is a property.",
            "A slip of the pen would otherwise make a field optional.",
        ),
        Rule(
            "default",
            "A default fits its type and stands where a value can be absent; that of something received is simple.",
            "It is what readers get in place of an absent value, so it must be a value of the type, and immutable.",
        ),
        Rule(
            "discriminator",
            "A tagged union has a discriminator whose mapping names each of its arms once, all of them structs.",
            "The tag alone decides how a value is read, and an arm without a tag could never be read.",
        ),
        Rule(
            "tag",
            "An arm has its tag as a required `const`, the same as in the mapping, on one level only.",
            "A tag that differs from the mapping would be written and never read again.",
        ),
        Rule(
            "inheritance",
            "`allOf` is one struct to extend, no arm of a union, and no field is declared twice.",
            "It becomes a base class; a field with two declarations or an inherited tag has two meanings.",
        ),
        Rule(
            "union-base",
            "One union may have a table of its arms, and each arm has one common base class only.",
            "There is one table of events; and an arm of two unions would have to answer for both.",
        ),
        Rule(
            "reads",
            "What `reads` of `x-python` names leads to a field of something received, under a name that is free.",
            "It becomes a property; one that leads nowhere could not be read, and one with a taken name would hide it.",
        ),
        Rule(
            "type-cycle",
            "Aliases, unions and bases are not made of each other in a circle.",
            "Their declarations run one after the other when a module is imported.",
        ),
        Rule(
            "unreachable",
            "Every type is needed by a method or an error.",
            "What nothing reaches is never sent or received, and only looks as if it could be used.",
        ),
        Rule(
            "closed",
            "What is received accepts unknown fields.",
            "A newer runtime adds fields, and must not break a program for that.",
        ),
    ),
    "Names": (
        Rule(
            "naming",
            "Types are in PascalCase, files in snake_case, exceptions end with `Error`, methods give a Python name.",
            "The names of the contract are the names in Python.",
        ),
        Rule(
            "name-taken",
            "No type has the name of something in Python or in the package.",
            "It would hide it, or be hidden.",
        ),
        Rule(
            "duplicate-name",
            "No two things have the same name, neither in the contract nor in Python.",
            "All public names are imported from one package.",
        ),
        Rule(
            "member-name",
            "Every value of an enum gives a member name of its own.",
            "Programs use the member; a value without one cannot be written down.",
        ),
        Rule(
            "field-name",
            "Every field gives an attribute name of its own.",
            "A field that is no attribute cannot be read.",
        ),
        Rule(
            "upstream-name",
            "`x-upstream-name` differs from the name of the type.",
            "It exists to say that the published name is another one.",
        ),
        Rule(
            "wrapper-name",
            "A request has a wrapper in snake_case with a name that the client leaves free, or says that it has none.",
            "A method without a Python method is a decision, not an oversight.",
        ),
    ),
    "Methods": (
        Rule(
            "mutates",
            "Every request says by `x-mutates` whether it changes state.",
            "Only what changes nothing can be sent again when its answer is lost.",
        ),
        Rule(
            "direction",
            "`x-direction` is `client-to-server` or `server-to-client`.",
            "It decides which types are sent and which are received.",
        ),
        Rule(
            "route",
            "`x-route-by` names a parameter.",
            "Its value tells which stream a notification belongs to.",
        ),
        Rule(
            "params-type",
            "A method with parameters names their struct by `x-params-type`, or refers to the union that they are.",
            "The struct is derived from the list, so that both are the same; its name is public.",
        ),
        Rule(
            "params-order",
            "Required parameters come first.",
            "They are positional arguments of the wrapper.",
        ),
        Rule(
            "wrapper-hint",
            "What `x-python` says of a wrapper fits the parameters and the result.",
            "A hint about something that is not there would be dropped without a word.",
        ),
        Rule(
            "options",
            "Parameters that become a `TypedDict` are optional and have the name that is sent.",
            "Its keys are sent as they are.",
        ),
        Rule(
            "extension",
            "Every `x-` key is declared in `extensions.yaml` for its place, and its value fits the schema there.",
            "An extension that is misspelt would be without effect.",
        ),
    ),
    "Errors": (
        Rule(
            "error-code",
            "An error has a code and a message, and a code means one error: generally, and on each method.",
            "The class of an exception is chosen by the code and the method, so it must be the only one.",
        ),
        Rule(
            "error-class",
            "An error names its exception class.",
            "Programs catch it by that name.",
        ),
        Rule(
            "error-base",
            "The base of an exception is the class of another error, and not its own.",
            "Otherwise the classes cannot be declared.",
        ),
        Rule(
            "error-data",
            "`x-data` refers to a type.",
            "The details of an exception are decoded into it.",
        ),
        Rule(
            "params-error",
            "A request with parameters lists an error of the code -32602.",
            "The runtime can refuse parameters, and its users should know what is raised then.",
        ),
        Rule(
            "cancel-error",
            "A request that can be cancelled lists the error `RequestCancelled`.",
            "It is what a cancelled request is answered with.",
        ),
        Rule(
            "requirement-error",
            "A request that does not always exist lists an error of the code -32601.",
            "It is what the runtime answers where the request does not exist.",
        ),
    ),
    "Descriptions": (
        Rule(
            "description",
            "Every method, parameter, result, type and error is described.",
            "Descriptions are the docstrings and the reference; what has none cannot be found.",
        ),
        Rule(
            "sentence",
            "A description begins like a sentence and ends with a full stop.",
            "Descriptions are joined with others, which reads well only when each is whole.",
        ),
        Rule(
            "summary",
            "The summary of a method has at most 100 characters and no line break.",
            "It is the first line of a docstring and a cell of the list of all methods.",
        ),
        Rule(
            "unit",
            "The description of a number names its unit where the name says that it is a time or a size.",
            "Seconds and milliseconds look alike.",
        ),
        Rule(
            "secret",
            "A field whose name sounds like a secret begins with `Secret.`, or says by `x-not-secret` why it is none.",
            "What is described so is left out of reprs and taken out of errors; what is forgotten ends up in logs.",
        ),
    ),
}

RULES: Final[Mapping[str, Rule]] = {rule.id: rule for rules in _GROUPS.values() for rule in rules}


def lines() -> list[str]:
    """Return all rules for a terminal, with their reasons."""
    return [line for rule in RULES.values() for line in (f"{rule.id:<18} {rule.text}", f"{'':<18} {rule.reason}")]


def page() -> str:
    """Return all rules as a page."""
    text = [
        "<!-- Generated by `make regen` from codegen/lint/rules.py; do not edit. -->",
        "# House rules of the contract",
        "",
        "`make lint` checks them, and every other command of the generator does so first. A problem is reported with",
        "file, line, JSON pointer and the id of the rule.",
    ]
    for title, rules in _GROUPS.items():
        rows = [(markdown.code(rule.id), markdown.text(rule.text), markdown.text(rule.reason)) for rule in rules]
        text += ["", f"## {title}", "", *markdown.table(("id", "rule", "reason"), rows)]
    return "\n".join([*text, ""])
