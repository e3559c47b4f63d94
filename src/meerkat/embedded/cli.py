"""The command line: the flags of the real runtime, its conflicts and its exit codes."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

NAME = "meerkat-embedded"
VERSION = "0.6.5"

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2

_REALM = re.compile(r"[A-Za-z0-9][^\s:]{0,63}")


class CommandLineError(Exception):
    """The process must end before it began.

    Attributes:
        status: Exit status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Options:
    """What the command line said, by the names of the flags."""

    realm: str | None = None
    isolated: bool = False
    instance: str | None = None
    realm_backend: str | None = None
    state_root: str | None = None
    context_root: str | None = None
    user_config_root: str | None = None
    tcp: str | None = None
    allow_remote: bool = False
    live_ws: str | None = None
    live_ws_scheme: str = "ws"

    @property
    def is_durable(self) -> bool:
        """Whether state is kept: only where the caller named both a place and a realm."""
        return self.state_root is not None and self.realm is not None


_VALUES: dict[str, tuple[str, ...]] = {"realm_backend": ("jsonl", "sqlite"), "live_ws_scheme": ("ws", "wss")}
_HELP = {
    "realm": "ID of the realm to join. State is kept when --state-root is given too.",
    "isolated": "Use a new realm of its own, which is the default.",
    "instance": "ID of this instance within the realm.",
    "realm_backend": "Backend that a new realm is said to have.",
    "state_root": "Directory that holds the directories of realms.",
    "context_root": "Accepted for compatibility; conventions are not read.",
    "user_config_root": "Accepted for compatibility; conventions are not read.",
    "tcp": "Refused: this runtime speaks over standard input and output only.",
    "allow_remote": "Accepted for compatibility; it matters to --tcp alone.",
    "live_ws": "Refused: this runtime has no live channels.",
    "live_ws_scheme": "Accepted for compatibility; it matters to --live-ws alone.",
}
_SWITCHES = frozenset({"isolated", "allow_remote"})


def parse(arguments: list[str]) -> Options | str:
    """Parse the command line.

    Returns:
        The options, or the text that ``--help`` or ``--version`` asks for.

    Raises:
        CommandLineError: It cannot be obeyed.
    """
    known = {f"--{field.name.replace('_', '-')}": field.name for field in fields(Options)}
    found: dict[str, str | bool] = {}
    rest = list(arguments)
    while rest:
        given = rest.pop(0)
        flag, equals, value = given.partition("=")
        if given in {"-h", "--help"}:
            return _help()
        if given in {"-V", "--version"}:
            return f"{NAME} {VERSION}\n"
        name = known.get(flag)
        if name is None:
            raise _usage(f"unexpected argument '{given}' found")
        if name in found:
            raise _usage(f"the argument '{_show(name)}' cannot be used multiple times")
        if name in _SWITCHES:
            if equals:
                raise _usage(f"unexpected value '{value}' for '{flag}' found; no more were expected")
            found[name] = True
            continue
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise _usage(f"a value is required for '{_show(name)}' but none was supplied")
            value = rest.pop(0)
        if value not in _VALUES.get(name, (value,)):
            choices = ", ".join(_VALUES[name])
            raise _usage(f"invalid value '{value}' for '{_show(name)}'\n  [possible values: {choices}]")
        found[name] = value
    return _checked(Options(**found))  # type: ignore[arg-type]  # the table above says which are switches


def _checked(options: Options) -> Options:
    if options.realm is not None and options.isolated:
        raise _failure("--realm and --isolated exclude each other")
    if options.realm is not None and not _REALM.fullmatch(options.realm):
        raise _failure(
            f"invalid realm ID {options.realm!r}: 1 to 64 characters, the first a letter or digit, no colon or space"
        )
    if options.tcp is not None:
        if not options.allow_remote and not _is_loopback(options.tcp):
            raise _failure(f"--tcp {options.tcp} is not a loopback address, which --allow-remote alone permits")
        raise _failure("--tcp is not supported by the embedded runtime; start it without and speak over its pipes")
    if options.live_ws is not None:
        raise _failure("--live-ws is not supported by the embedded runtime: it has no live channels")
    return options


def _is_loopback(address: str) -> bool:
    import ipaddress  # noqa: PLC0415  # slow to import, and needed by a refusal only

    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def default_state_root(environment: dict[str, str]) -> Path:
    """Where the real runtime keeps its realms; this one only names it."""
    data = environment.get("XDG_DATA_HOME")
    home = Path(environment.get("HOME") or Path.cwd())
    return (Path(data) if data else home / ".local" / "share") / "meerkat" / "realms"


def _show(name: str) -> str:
    flag = f"--{name.replace('_', '-')}"
    return flag if name in _SWITCHES else f"{flag} <{name.upper()}>"


def _usage(message: str) -> CommandLineError:
    text = f"error: {message}\n\nUsage: {NAME} [OPTIONS]\n\nFor more information, try '--help'."
    return CommandLineError(text, EXIT_USAGE)


def _failure(message: str) -> CommandLineError:
    return CommandLineError(f"Error: {message}", EXIT_FAILURE)


def _help() -> str:
    lines = [
        "Meerkat's embedded runtime: the protocol of rkat-rpc with a deterministic model.",
        "",
        f"Usage: {NAME} [OPTIONS]",
        "",
        "Options:",
    ]
    for name, text in _HELP.items():
        values = f" [possible values: {', '.join(_VALUES[name])}]" if name in _VALUES else ""
        lines += [f"      {_show(name)}", f"          {text}{values}"]
    lines += ["  -h, --help", "          Print help", "  -V, --version", "          Print version", ""]
    lines += [
        "Environment:",
        "      MEERKAT_EMBEDDED_SCRIPT       File with what the model plays for prompts without a script.",
        "      MEERKAT_EMBEDDED_RETRY_SCALE  Factor for the pauses between retries of the model (default 1).",
        "      RKAT_TEST_CLIENT=1            Every model answers `ok`.",
        "",
    ]
    return "\n".join(lines)
