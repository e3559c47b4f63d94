"""Which program to start as the runtime, and with what arguments."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Literal

from meerkat._core.errors import InvalidArgumentError, RuntimeNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

RuntimeKind: TypeAlias = Literal["rkat-rpc", "embedded"]
"""Which runtime to start: the real one, or the stand-in that comes with the package."""

PROGRAM: Final = "rkat-rpc"
KINDS: Final = (PROGRAM, "embedded")
LIVE_LISTENER: Final = "127.0.0.1:0"  # any free port; live channels tell their address


def command(rkat_path: str, runtime: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the command line of the runtime, without options.

    The current directory is searched only where the caller names a path in it: neither a relative entry of ``PATH`` nor
    a relative ``MEERKAT_BIN_PATH`` may decide by it which program runs.

    Args:
        rkat_path: Program to start; a bare name is looked up on ``PATH``.
        runtime: Explicit choice of the kind of runtime, or ``None`` for ``MEERKAT_RUNTIME`` or the real one.
        environment: Environment variables.

    Raises:
        RuntimeNotFoundError: There is no such program, or no such kind of runtime.
        InvalidArgumentError: ``MEERKAT_BIN_PATH`` is no absolute path.
    """
    explicit = rkat_path != PROGRAM
    kind = runtime or ("" if explicit else environment.get("MEERKAT_RUNTIME", "")) or PROGRAM
    if kind not in KINDS:
        message = f"there is no runtime {kind!r}; choose one of: {', '.join(KINDS)}"
        raise RuntimeNotFoundError(message=message)
    if kind == "embedded":
        # Without -P, modules of the current directory would go before those of the standard library.
        return [sys.executable, "-P", "-m", "meerkat.embedded"]
    named = "" if explicit else environment.get("MEERKAT_BIN_PATH", "")
    if named and not os.path.isabs(named):  # noqa: PTH117  # pathlib is slow to import
        message = f"MEERKAT_BIN_PATH is {named!r}; it has to be an absolute path, which means the same everywhere"
        raise InvalidArgumentError(message=message)
    return [_find(named or rkat_path, environment.get("PATH", os.defpath))]


def _find(name: str, search: str) -> str:
    """Return the absolute path of a program; a name without a directory is looked up in the absolute entries."""
    import shutil  # noqa: PLC0415  # not needed to make a client

    entries = search.split(os.pathsep)
    absolute = [entry for entry in entries if os.path.isabs(entry)]  # noqa: PTH117  # as above
    found = shutil.which(name, path=os.pathsep.join(absolute))
    if found is None:
        skipped = "" if len(absolute) == len(entries) else " Relative entries of PATH are not searched."
        raise RuntimeNotFoundError(message=_how_to_get(name) + skipped)
    if os.path.isabs(found):  # noqa: PTH117  # as above
        return found
    from pathlib import Path  # noqa: PLC0415  # not needed for most

    return os.fspath(Path(found).absolute())


def options(
    *,
    realm_id: str | None,
    instance_id: str | None,
    realm_backend: str | None,
    isolated: bool,
    state_root: str | os.PathLike[str] | None,
    context_root: str | os.PathLike[str] | None,
    user_config_root: str | os.PathLike[str] | None,
    live_ws: bool | str,
) -> list[str]:
    """Return the options of the runtime's command line."""
    valued: list[tuple[str, str | os.PathLike[str] | None]] = [
        ("--realm", realm_id),
        ("--instance", instance_id),
        ("--realm-backend", realm_backend),
        ("--state-root", state_root),
        ("--context-root", context_root),
        ("--user-config-root", user_config_root),
        ("--live-ws", LIVE_LISTENER if live_ws is True else live_ws or None),
    ]
    out = ["--isolated"] if isolated else []
    for flag, value in valued:
        if value is not None:
            text = os.fspath(value)
            # What begins with a dash would be taken for an option of its own.
            out += [f"{flag}={text}"] if text.startswith("-") else [flag, text]
    return out


def _how_to_get(name: str) -> str:
    return (
        f"there is no program {name!r}. Install the Meerkat runtime (cargo builds `{PROGRAM}` from the crate "
        "`meerkat-rpc`) and put it on PATH, or name it by MEERKAT_BIN_PATH or MeerkatClient(rkat_path=...). For tests "
        'and first steps there is an embedded runtime: MeerkatClient(runtime="embedded") or MEERKAT_RUNTIME=embedded.'
    )
