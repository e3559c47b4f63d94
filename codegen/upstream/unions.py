"""Published unions -> IR: tagged in one level or two, tagged by a key, untagged."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from codegen.ir import AnyJson, Choice, NamedType, Property, Ref, StructType, TaggedUnion, Type, UntaggedUnion
from codegen.problems import pointer
from codegen.raw import is_object, items, strings
from codegen.upstream.views import constant

if TYPE_CHECKING:
    from codegen.upstream.published import Spot
    from codegen.upstream.shapes import Shapes
    from codegen.upstream.views import View


class Unions:
    """Converts unions.

    Args:
        shapes: Where types are kept.
    """

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def constants(self, branches: list[Any]) -> tuple[str, ...] | None:
        """Return the values of a union that is nothing but strings, or ``None``."""
        values: list[str] = []
        for branch in branches:
            found = [branch["const"]] if is_object(branch) and "const" in branch else None
            if found is None and is_object(branch):
                found = items(branch.get("enum"))
            if not found or len(strings(found)) != len(found):
                return None
            values += strings(found)
        return tuple(values)

    def lone_arm(self, branch: Any, spot: Spot) -> bool:
        """Whether the only branch of a union has a tag and no name of its own, so that others may come."""
        if not is_object(branch) or set(branch) <= {"$ref", "type"}:
            return False
        views = self._shapes.views.of(branch, spot)
        return views is not None and len(views) == 1 and bool(views[0].constants())

    def union(self, schema: dict[str, Any], spot: Spot) -> NamedType:
        """Convert a schema with `oneOf` or `anyOf`."""
        views = self._shapes.views.of(schema, spot)
        keyword = "oneOf" if "oneOf" in schema else "anyOf"
        branches = items(schema[keyword])
        if views is not None:
            tag = self._tag(views, spot, schema)
            if tag is not None:
                return self._tagged(views, tag, spot)
            if len(views) == 1:
                return self._shapes.views.struct(views[0], spot.key, spot.name)
            by_key = self._by_key(views, spot.key, spot.name) if len(views) == len(branches) else None
            if by_key is not None:
                return by_key
            if not set(schema) <= {keyword, "type"}:
                # What all forms share stands beside them.
                return self._untagged([self._member(view, index, spot) for index, view in enumerate(views)], spot)
        return self._mixed(branches, keyword, spot)

    # --- by a tag ---

    def _tag(self, views: list[View], spot: Spot, schema: dict[str, Any]) -> str | None:
        """Return the field that tells the arms apart: the outermost one, and then one whose values all differ."""
        constants = [view.constants() for view in views]
        shared = set(constants[0]).intersection(*constants[1:])
        if not shared:
            return None
        discriminator: Any = schema.get("discriminator")
        declared: Any = discriminator.get("propertyName") if is_object(discriminator) else None
        for known in (self._shapes.tags.get(spot.name), declared):
            if known in shared:
                return str(known)

        def order(name: str) -> tuple[bool, int, bool, int]:
            values = [found[name] for found in constants]
            depth = min(view.fields[name].depth for view in views)
            same = len(views) > 1 and len(set(values)) == 1
            return same, depth, len(set(values)) < len(values), list(views[0].fields).index(name)

        found = min(shared, key=order)
        return None if order(found)[0] else found

    def _tagged(self, views: list[View], tag: str, spot: Spot) -> TaggedUnion:
        groups: dict[str, list[View]] = defaultdict(list)
        for view in views:
            groups[view.constants()[tag]].append(view)
        arms: list[tuple[str, str]] = []
        for value, group in groups.items():
            key, name = f"{spot.key}{pointer('oneOf', value)}", f"{spot.name}{pointer('oneOf', value)}"
            view = group[0]
            if len(group) == 1:
                struct = self._shapes.views.struct(view, key, name, tag)
            else:
                struct = self._merged(group, key, name, tag)
            self._shapes.put(view.spot.named(name), struct, name)
            arms.append((value, key))
        return TaggedUnion(name=spot.key, module="", pointer=spot.name, tag=tag, arms=tuple(arms))

    def _merged(self, views: list[View], key: str, name: str, tag: str) -> StructType:
        """Make one struct of several with the same tag value; their second tag becomes a set of values."""
        whole = self._shapes.views.struct(views[0], key, name, tag)
        structs = [self._shapes.views.struct(view, key, name, tag) for view in views]
        properties: dict[str, Property] = {}
        for struct in structs:
            for item in struct.properties:
                properties.setdefault(item.wire, item)
        for wire in list(properties):
            there = [item for struct in structs for item in struct.properties if item.wire == wire]
            required = len(there) == len(structs) and all(item.required for item in there)
            type_ = self._common([item.type for item in there], views[0].spot.down("properties", wire))
            properties[wire] = Property(
                wire=wire, python=wire, type=type_, required=required, pointer=properties[wire].pointer
            )
        return StructType(
            name=whole.name,
            module="",
            pointer=whole.pointer,
            properties=tuple(properties.values()),
            tag=whole.tag,
            closed=all(struct.closed for struct in structs),
        )

    def _common(self, types: list[Type], spot: Spot) -> Type:
        if all(type_ == types[0] for type_ in types):
            return types[0]
        sets = [type_.values for type_ in types if isinstance(type_, Choice)]
        if len(sets) == len(types):
            return Choice(values=tuple(dict.fromkeys(value for values in sets for value in values)))
        self._shapes.odd(spot, "the forms of one tag value give this field different types")
        return AnyJson()

    # --- by a key, or not at all ---

    def _by_key(self, views: list[View], key: str, name: str) -> StructType | None:
        """Return one struct with exactly one field for objects of one key each, or ``None``."""
        keys = [
            next(iter(view.fields)) for view in views if len(view.fields) == 1 and view.required == view.fields.keys()
        ]
        if len(keys) != len(views) or len(set(keys)) != len(keys):
            return None
        properties = [
            self._shapes.property(
                wire,
                view.fields[wire].schema,
                view.fields[wire].spot.named(f"{name}/properties/{wire}"),
                required=False,
            )
            for wire, view in zip(keys, views, strict=True)
        ]
        return StructType(name=key, module="", pointer=name, properties=tuple(properties), exactly_one=True)

    def _mixed(self, branches: list[Any], keyword: str, spot: Spot) -> NamedType:
        """Convert alternatives that are not all objects."""
        plain = [branch for branch in branches if constant(branch) is not None or self.constants([branch])]
        objects = [(index, branch) for index, branch in enumerate(branches) if branch not in plain]
        if plain and objects:
            views = [self._shapes.views.of(branch, spot.down(keyword, index)) for index, branch in objects]
            flat = [view for found in views if found is not None for view in found]
            struct = (
                self._by_key(flat, f"{spot.key}#keys", spot.name) if all(found is not None for found in views) else None
            )
            if struct is not None:
                choice = Choice(values=self.constants(plain) or ())
                return self._untagged([self._shapes.put(spot, struct, f"{spot.name} by key"), choice], spot)
        members = [
            self._shapes.type(branch, spot.down(keyword, index).named(f"{spot.name}/{keyword}/{index}"))
            for index, branch in enumerate(branches)
        ]
        return self._untagged(members, spot)

    def _member(self, view: View, index: int, spot: Spot) -> Ref:
        if view.target is not None:
            return Ref(name=view.target)
        name = f"{spot.name}/anyOf/{index}"
        struct = self._shapes.views.struct(view, f"{spot.key}/anyOf/{index}", name)
        return self._shapes.put(view.spot.named(name), struct, name)

    def _untagged(self, members: list[Type], spot: Spot) -> UntaggedUnion:
        return UntaggedUnion(name=spot.key, module="", pointer=spot.name, members=tuple(members))
