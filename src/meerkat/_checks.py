"""Checks of what a client is given, made where it is given: later, nobody could tell where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meerkat._core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence


def arguments(args: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of a program.

    Raises:
        InvalidArgumentError: They are one text.
    """
    if isinstance(args, str):
        raise InvalidArgumentError(message="args is a text; give a list with one text for each argument")
    return tuple(args)


def variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of a program.

    Raises:
        InvalidArgumentError: They are no mapping from text to text.
    """
    found: dict[Any, Any] = dict(_mapping("env", env))
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, str):
            kind = type(value if isinstance(name, str) else name).__name__
            raise InvalidArgumentError(message=f"env has a {kind} where a text is needed, at {name!r}")
    return found


def parameters(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call of ``method``.

    Raises:
        InvalidArgumentError: They are no mapping.
    """
    return dict(_mapping("params", params, method))


def seconds(name: str, value: float) -> float:
    """Return a length of time.

    Raises:
        InvalidArgumentError: It is none.
    """
    given: Any = value
    # No comparison holds for a number that is none (NaN).
    if not isinstance(given, int | float) or not given >= 0:
        raise InvalidArgumentError(message=f"{name} is {given!r}; give a number of seconds, 0 or more")
    return value


def deadline(name: str, value: float | None) -> float | None:
    """Return a length of time, or ``None`` for no end.

    Raises:
        InvalidArgumentError: It is neither.
    """
    return None if value is None else seconds(name, value)


def port(value: int) -> None:
    """Check a TCP port.

    Raises:
        InvalidArgumentError: It is none.
    """
    given: Any = value
    if not isinstance(given, int) or not 0 < given < 1 << 16:
        raise InvalidArgumentError(message=f"port is {given!r}; give a TCP port, a number from 1 to 65535")


def _mapping(name: str, value: Mapping[str, Any], method: str | None = None) -> Mapping[str, Any]:
    given: Any = value
    if not isinstance(given, Mapping):
        # The value is not shown: it can be a secret.
        raise InvalidArgumentError(message=f"{name} is a {type(given).__name__}; give a mapping", method=method)
    return value
