"""Which program to start as the runtime, and with what arguments."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Literal

from meerkat._core.errors import RuntimeNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

RuntimeKind: TypeAlias = 'Literal["rkat-rpc", "embedded"]'

PROGRAM: Final = "rkat-rpc"
KINDS: Final = (PROGRAM, "embedded")
LIVE_LISTENER: Final = "127.0.0.1:0"  # any free port; live channels tell their address


def command(rkat_path: str, runtime: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the command line of the runtime, without options.

    Args:
        rkat_path: Program to start; a bare ``rkat-rpc`` is looked up.
        runtime: Explicit choice of the kind of runtime, or ``None`` for ``MEERKAT_RUNTIME`` or the real one.
        environment: Environment variables.

    Raises:
        RuntimeNotFoundError: There is no such program, or no such kind of runtime.
    """
    explicit = rkat_path != PROGRAM
    kind = runtime or ("" if explicit else environment.get("MEERKAT_RUNTIME", "")) or PROGRAM
    if kind not in KINDS:
        message = f"there is no runtime {kind!r}; choose one of: {', '.join(KINDS)}"
        raise RuntimeNotFoundError(message=message)
    if kind == "embedded":
        return [sys.executable, "-m", "meerkat.embedded"]
    import shutil  # noqa: PLC0415  # not needed to make a client
    from pathlib import Path  # noqa: PLC0415  # as above

    name = rkat_path if explicit else environment.get("MEERKAT_BIN_PATH") or PROGRAM
    found = shutil.which(name, path=environment.get("PATH"))
    if found is None:
        raise RuntimeNotFoundError(message=_how_to_get(name))
    return [os.fspath(Path(found).absolute())]


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
            out += [flag, os.fspath(value)]
    return out


def _how_to_get(name: str) -> str:
    return (
        f"there is no program {name!r}. Install the Meerkat runtime (cargo builds `{PROGRAM}` from the crate "
        "`meerkat-rpc`) and put it on PATH, or name it by MEERKAT_BIN_PATH or MeerkatClient(rkat_path=...). For tests "
        'and first steps there is an embedded runtime: MeerkatClient(runtime="embedded") or MEERKAT_RUNTIME=embedded.'
    )
