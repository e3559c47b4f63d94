"""Goes through everything published and everything in the contract, and finds what belongs together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from codegen.diff.changes import Changes, Place
from codegen.flow import Flow, refs
from codegen.ir import Alias, AnyJson, Direction, Ref, StructType, TaggedUnion, Type, UntaggedUnion
from codegen.raw import is_object
from codegen.upstream.comparison import PublishedTypes
from codegen.upstream.folder import METHODS, Oddity
from codegen.upstream.published import Published, Spot
from codegen.upstream.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codegen.ir import Contract, Method
    from codegen.upstream.folder import Folder, PublishedMethod

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# What the runtime calls a value of any form.
_ANY: Final = frozenset({"Value", "serde_json::Value", "JsonValue"})
_SIDES: Final = (Direction.SENT, Direction.RECEIVED)


KINDS: Final = {
    "method-added": "A method is published that the contract does not have.",
    "method-removed": "A method of the contract is not published.",
    "not-named": "No type is published for parameters or a result.",
    "no-schema": "A type is named, but no schema of it is published.",
    "name-changed": "A type is published under another name than the contract says.",
    "type-added": "A type is published that the contract does not have.",
    "type-removed": "A type of the contract is not published any more.",
    "type-unseen": "A published type has changed that the contract describes otherwise or leaves open.",
    "values-changed": "A published list of values has changed.",
}


class Fact(NamedTuple):
    """A difference that no rule of types covers.

    Attributes:
        kind: What it is, one of `KINDS`.
        place: Where it is.
        text: What is published, in short.
    """

    kind: str
    place: Place
    text: str = ""


class Walk:
    """Compares a folder with the contract.

    Args:
        folder: What is published.
        contract: The contract.
        document: The bundled document of the contract, for the published names of types.

    Attributes:
        folder: The folder.
        contract: The contract.
        names: Published names of the types of the contract that have one.
        shapes: The published types.
        changes: Differences of types; contract first, published second.
        facts: Other differences.
        met: Names of the published types that correspond to something in the contract.
        reached: Names of the published types that something published needs, each with a module of the contract.
        unpaired: Names of the types of the contract that nothing published corresponds to.
    """

    def __init__(self, folder: Folder, contract: Contract, document: Mapping[str, Any]) -> None:
        self.folder = folder
        self.contract = contract
        self._methods = {method.name: method for method in contract.methods}
        self.facts: dict[Fact, None] = {}
        self.changes = Changes()
        published = Published(folder)
        self.names = _upstream_names(contract, document, published)
        tags = {
            self.names[name]: named.tag
            for name, named in contract.types.items()
            if isinstance(named, TaggedUnion) and name in self.names
        }
        self.shapes = Shapes(published, tags)
        self._types = PublishedTypes(contract, self.shapes, self.names, self.changes)
        self._entries: list[tuple[Type, str]] = []
        self._go_through_methods()
        self._go_through_names()
        self.met = self._labels(self._types.met)
        self.reached = self._reached()
        self.unpaired = frozenset(self._unpaired())
        self._renamed()

    # --- methods ---

    def _go_through_methods(self) -> None:
        listed = [*self.folder.methods, *self.folder.notifications]
        notifications = {method.name for method in self.folder.notifications}
        for published in listed:
            method = self._methods.get(published.name)
            if method is None:
                self._new_method(published, notification=published.name in notifications)
                continue
            if method.notification != (published.name in notifications):
                rule = "answer-removed" if published.name in notifications else "answer-added"
                self.changes.add(rule, _place(method), Direction.SENT)
            self._params(method, published)
            if not method.notification:
                self._result(method, published)
        names = {published.name for published in listed}
        for name, method in self._methods.items():
            if name not in names:
                self.shapes.places[name] = f"{METHODS}#/{'notifications' if method.notification else 'methods'}"
                self.facts[Fact("method-removed", _place(method))] = None

    def _new_method(self, published: PublishedMethod, *, notification: bool) -> None:
        domain = published.name.partition("/")[0]
        modules = [method.module for name, method in self._methods.items() if name.partition("/")[0] == domain]
        place = Place(published.name, modules[0] if modules else domain, published.name)
        text = "notification" if notification else "request"
        for what, names in (("params", published.params), ("result", published.result)):
            if names is not None:
                text += f", {what} {names}"
                name = f"{published.name}#{what}_type"
                self.shapes.places[name] = f"{published.pointer}/{what}_type"
                self._entries.append((self._named_type(names, place._replace(pointer=name)), place.module))
        self.facts[Fact("method-added", place, text)] = None
        self.shapes.places[published.name] = published.pointer

    def _params(self, method: Method, published: PublishedMethod) -> None:
        direction = Direction.RECEIVED if method.from_server else Direction.SENT
        place = self._typed_place(method, published, "params_type")
        if published.params is None:
            if method.params_type is not None:
                self.facts[Fact("not-named", place)] = None
            return
        type_ = self._named_type(published.params, place)
        self._entries.append((type_, method.module))
        if method.params_type is not None:
            self._types.types(Ref(name=method.params_type), type_, place, direction)
        elif isinstance(type_, Ref):
            self._types.met.add(type_.name)
            shape = self.shapes[type_.name]
            fields = {item.wire: item for item in shape.properties} if isinstance(shape, StructType) else {}
            self._types.properties({}, fields, "param", place._replace(subject=method.name), direction)

    def _result(self, method: Method, published: PublishedMethod) -> None:
        direction = Direction.SENT if method.from_server else Direction.RECEIVED
        place = self._typed_place(method, published, "result_type")
        if published.result is None:
            if method.result is not None:
                self.facts[Fact("not-named", place)] = None
            return
        type_ = self._named_type(published.result, place)
        self._entries.append((type_, method.module))
        if method.result is not None:
            self._types.types(method.result, type_, place, direction)

    def _typed_place(self, method: Method, published: PublishedMethod, what: str) -> Place:
        name = f"{method.name}#{what}"
        self.shapes.places[name] = f"{published.pointer}/{what}"
        subject = f"{method.name} ({'parameters' if what == 'params_type' else 'result'})"
        return Place(subject, method.module, name)

    def _named_type(self, names: str, place: Place) -> Type:
        """Return the type that a text names: one name, or several with `|` between them."""
        types: list[Type] = []
        for name in (part.strip() for part in names.split("|")):
            definition = self.shapes.published.named(name)
            if definition is not None:
                types.append(self.shapes.ref(definition))
                continue
            types.append(AnyJson() if name in _ANY else self.shapes.missing)
            if not _NAME.match(name) and name not in _ANY:
                where = self.shapes.places[place.pointer]
                self.folder.oddities.append(Oddity(where, f"`{name}` is no name of a type"))
            elif name not in _ANY:
                self.facts[Fact("no-schema", place, name)] = None
        if len(types) == 1:
            return types[0]
        spot = Spot(place.pointer, (), (), place.pointer)
        union = UntaggedUnion(name=spot.key, module="", pointer=spot.name, members=tuple(types))
        return self.shapes.put(spot, union, names)

    # --- names ---

    def _go_through_names(self) -> None:
        """Compare each type with all definitions of its published name: no method need lead to them."""
        flow = Flow(self.contract)
        for name, upstream in self.names.items():
            module = self.contract.types[name].module
            for definition in self.shapes.published.everywhere(upstream):
                reference = self.shapes.ref(definition)
                self._entries.append((reference, module))
                for direction in _SIDES:
                    if direction in flow.direction(name):
                        self._types.types(Ref(name=name), reference, Place(name, module, upstream), direction)

    def _labels(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the names of definitions, without those of parts."""
        return frozenset(self.shapes.labels[key] for key in keys if self.shapes.is_definition(key))

    def _reached(self) -> dict[str, str]:
        """Return the names of all published types that are needed, each with the module of what needs it first."""
        owners = {key: self.contract.types[name].module for name, keys in self._types.pairs.items() for key in keys}
        pending = [(entry.name, module) for entry, module in self._entries if isinstance(entry, Ref)]
        seen: dict[str, str] = {}
        for key, module in pending:
            if key not in seen:
                seen[key] = module
                pending += [(needed, owners.get(key, module)) for needed in refs(self.shapes[key])]
        return {
            self.shapes.labels[key]: module for key, module in reversed(seen.items()) if self.shapes.is_definition(key)
        }

    def _unpaired(self) -> list[str]:
        """Return the types of the contract that nothing corresponds to; arms go with their unions."""
        return [
            name
            for name, named in self.contract.types.items()
            if not self._types.pairs.get(name)
            and name not in self._types.in_place
            and not isinstance(named, Alias)
            and not (isinstance(named, StructType) and (named.method is not None or named.tag is not None))
        ]

    def form_of(self, name: str) -> str:
        """Return what a published type is made of."""
        key = next(key for key in self.shapes if self.shapes.labels[key] == name)
        return self._types.form_text(self.shapes[key])

    def _renamed(self) -> None:
        """Report types that are published under another name than the contract says."""
        for name, keys in self._types.pairs.items():
            named = self.contract.types[name]
            labels = self._labels(keys)
            derived = isinstance(named, StructType) and (named.method is not None or named.tag is not None)
            if labels and not derived and not isinstance(named, Alias) and self.names.get(name) not in labels:
                place = Place(name, named.module, min(labels))
                self.facts[Fact("name-changed", place, ", ".join(sorted(labels)))] = None


def _upstream_names(contract: Contract, document: Mapping[str, Any], published: Published) -> dict[str, str]:
    """Return the published names of the types of the contract, as far as there are such names."""
    schemas: Any = document["components"]["schemas"]
    names: dict[str, str] = {}
    for name in contract.types:
        schema: Any = schemas.get(name)
        declared: Any = schema.get("x-upstream-name") if is_object(schema) else None
        upstream = declared if isinstance(declared, str) else name
        if upstream in published.names:
            names[name] = upstream
    return names


def _place(method: Method) -> Place:
    return Place(method.name, method.module, method.name)
