"""Our templates: loops only; what they are given is ready to be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


class Templates:
    """Renders the templates of this directory."""

    def __init__(self) -> None:
        self._environment = Environment(  # noqa: S701  # it writes Python, not HTML
            loader=FileSystemLoader(Path(__file__).parent),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def render(self, name: str, **context: Any) -> str:
        """Return the text of the template ``<name>.jinja2``."""
        return self._environment.get_template(f"{name}.jinja2").render(**context)
