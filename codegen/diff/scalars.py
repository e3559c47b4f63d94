"""Comparison of plain values: their kind, their limits, their format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from codegen.diff.changes import Changes, Place
    from codegen.ir import Direction, Scalar

_BITS: Final = {
    "int32": (32, True), "int64": (64, True), "uint8": (8, False), "uint16": (16, False), "uint32": (32, False),
    "uint64": (64, False), "float": (32, True), "double": (64, True),
}  # fmt: skip


def compare_scalars(old: Scalar, new: Scalar, place: Place, direction: Direction, changes: Changes) -> None:
    """Compare two scalars."""
    if old.kind != new.kind:
        rules = {("integer", "number"): "type-widened", ("number", "integer"): "type-narrowed"}
        changes.add(rules.get((old.kind, new.kind), "type-changed"), place, direction, old.kind, new.kind)
        return
    _formats(old, new, place, direction, changes)
    if old.minimum != new.minimum:
        raised = _or(new.minimum, float("-inf")) > _or(old.minimum, float("-inf"))
        rule = f"minimum-{'raised' if raised else 'lowered'}"
        changes.add(rule, place, direction, _text(old.minimum), _text(new.minimum))
    if old.maximum != new.maximum:
        raised = _or(new.maximum, float("inf")) > _or(old.maximum, float("inf"))
        rule = f"maximum-{'raised' if raised else 'lowered'}"
        changes.add(rule, place, direction, _text(old.maximum), _text(new.maximum))
    compare_lengths((old.min_length, old.max_length), (new.min_length, new.max_length), place, direction, changes)


def compare_lengths(
    old: tuple[int | None, int | None],
    new: tuple[int | None, int | None],
    place: Place,
    direction: Direction,
    changes: Changes,
) -> None:
    """Compare the least and the greatest length of strings or arrays."""
    before, after = _range(*old), _range(*new)
    if before == after:
        return
    if after[0] > before[0] or after[1] < before[1]:
        changes.add("length-tightened", place, direction, _spell(*old), _spell(*new))
    if after[0] < before[0] or after[1] > before[1]:
        changes.add("length-loosened", place, direction, _spell(*old), _spell(*new))


def _formats(old: Scalar, new: Scalar, place: Place, direction: Direction, changes: Changes) -> None:
    before, after = old.format, new.format
    if before == after:
        return
    if old.kind == "string":
        rule = "format-added" if before is None else "format-removed" if after is None else "format-changed"
        changes.add(rule, place, direction, before or "", after or "")
        return
    # A number without a format can have as many bits as it likes.
    if before is not None and (after is None or _BITS.get(before, (0, True)) <= _BITS.get(after, (0, True))):
        changes.add("number-widened", place, direction, before, after or "")
    else:
        changes.add("number-narrowed", place, direction, before or "", after or "")


def _or(limit: float | None, none: float) -> float:
    return none if limit is None else limit


def _range(least: int | None, most: int | None) -> tuple[float, float]:
    return _or(least, 0), _or(most, float("inf"))


def _spell(least: int | None, most: int | None) -> str:
    return f"{0 if least is None else least}..{'' if most is None else most}"


def _text(limit: float | None) -> str:
    return "none" if limit is None else str(limit)
