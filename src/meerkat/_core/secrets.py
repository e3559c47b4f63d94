"""What must not be seen in logs, reprs and messages: names that promise a secret, and values that are one.

Fields that are known to hold secrets have a repr without them (see `meerkat._core.model.hiding`). This is for texts of
others, which may repeat a secret that they were given: errors that the runtime answers, its standard error, and JSON
that no type describes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meerkat._core.plain import is_array, is_object
from meerkat._core.secret_names import SUSPICIOUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HIDDEN: Final = "<hidden>"
SHORTEST: Final = 6  # characters; shorter values are as likely to be a word of the text as a secret

# Fields that the contract calls secret although their names do not say so.
_HOLDERS: Final = frozenset({"config", "patch", "url", "args", "options", "state", "authorize_url"})


# Variables whose names sound like it and whose values are directories, which would be missing from every traceback.
_PLACES: Final = frozenset({"PWD", "VIRTUAL_ENV", "CONDA_DEFAULT_ENV"})


def holds_secrets(name: str) -> bool:
    """Whether a field with this name is kept out of sight where no type tells more."""
    return name in _HOLDERS or is_suspicious(name)


def is_suspicious(name: str) -> bool:
    """Whether a name promises a secret: ``api_key``, ``ANTHROPIC_API_KEY``, ``Authorization``, ``headers``, ``env``."""
    return re.search(SUSPICIOUS, name) is not None


class Secrets:
    """Values to take out of texts.

    Args:
        values: The secrets. Ones of fewer than `SHORTEST` characters are left out. Of a value with spaces, such as
            ``Bearer abc123``, its long words count on their own as well.

    Attributes:
        longest: Length of the longest of them in bytes, 0 when there is none.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        self.longest = max((len(form.encode(errors="replace")) for form in forms), default=0)
        # The longest first: one secret may be the beginning of another.
        self._any = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def hide(self, text: str, start: int = 0) -> str:
        """Return a text from ``start`` on with `HIDDEN` in place of every secret; leave out one that begins before."""
        if self._any is None:
            return text[start:]
        cut = next((match for match in self._any.finditer(text) if match.end() > start), None) if start else None
        if cut is not None and cut.start() < start:
            start = cut.end()
        return self._any.sub(HIDDEN, text[start:])

    def hide_in(self, value: Any) -> Any:
        """Return a plain JSON value with `HIDDEN` in place of every secret, names of objects excepted."""
        if self._any is None:
            return value
        if isinstance(value, str):
            return self.hide(value)
        if is_object(value):
            return {key: self.hide_in(item) for key, item in value.items()}
        if is_array(value):
            return [self.hide_in(item) for item in value]
        return value


def of_environment(environment: Mapping[str, str]) -> Secrets:
    """Return the secrets among environment variables, which are known by the names of the variables."""
    return Secrets(value for name, value in environment.items() if name not in _PLACES and is_suspicious(name))


def of_params(encoded: bytes) -> Secrets:
    """Return the secrets in encoded parameters, which are known by the names of fields."""
    return Secrets(_below(msgspec.json.decode(encoded), secret=False))


def masked(value: Any) -> Any:
    """Return a plain JSON value with `HIDDEN` in place of what stands under a name that promises a secret."""
    if is_object(value):
        return {
            key: HIDDEN if holds_secrets(key) and _can_be_secret(item) else masked(item) for key, item in value.items()
        }
    if is_array(value):
        return [masked(item) for item in value]
    return value


def _can_be_secret(value: Any) -> bool:
    # Counts of tokens are no secret.
    return value is not None and not isinstance(value, bool | int | float)


def _below(value: Any, *, secret: bool) -> Iterator[str]:
    """All texts in a plain JSON value under a name that promises a secret, or all when it stands under one itself."""
    if isinstance(value, str):
        if secret:
            yield value
    elif is_object(value):
        for name, item in value.items():
            yield from _below(item, secret=secret or holds_secrets(name))
    elif is_array(value):
        for item in value:
            yield from _below(item, secret=secret)


def _forms(value: str) -> Iterator[str]:
    """A secret as it can stand in a text: as it is, escaped as in JSON, and its long words."""
    whole = value.strip()
    words = [word for word in whole.split() if len(word) > SHORTEST] if len(whole.split()) > 1 else []
    for part in (whole, *words):
        if len(part) >= SHORTEST:
            yield part
            escaped = msgspec.json.encode(part.encode(errors="replace").decode())[1:-1].decode()
            if escaped != part:
                yield escaped
