"""Reads one YAML file of the contract and remembers on which line everything stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from codegen.problems import Problems, pointer

if TYPE_CHECKING:
    from pathlib import Path

_SCALARS = "tag:yaml.org,2002:"


class Source:
    """A YAML file as JSON values, with the line of every JSON pointer.

    Args:
        path: The file.
        problems: Takes what YAML allows and the contract does not: duplicate keys, anchors, tags, odd scalars.

    Attributes:
        name: How messages call the file.
        stem: File name without suffix, which is the name of the generated module.
        data: The content; an empty object when the file cannot be read.
    """

    def __init__(self, path: Path, problems: Problems) -> None:
        self.name = f"{path.parent.name}/{path.name}"
        self.stem = path.stem
        self.data: Any = {}
        self._lines: dict[str, int] = {}
        self._problems = problems
        try:
            loader: Any = YAML(typ="safe", pure=True)  # its nodes carry no types
            node = loader.compose(path.read_text("utf-8"))
        except MarkedYAMLError as error:
            fault: Any = error
            line: int = fault.problem_mark.line + 1 if fault.problem_mark is not None else 0
            problems.add("yaml", "", str(fault.problem), file=self.name, line=line)
            return
        except UnicodeDecodeError as error:
            problems.add("yaml", "", f"not UTF-8: {error.reason}", file=self.name)
            return
        if node is not None:
            self.data = self._value(node, ())

    def line(self, where: str) -> int:
        """Return the line of a JSON pointer, or of its nearest parent."""
        while where and where not in self._lines:
            where = where.rpartition("/")[0]
        return self._lines.get(where, 1)

    def _value(self, node: Any, path: tuple[str | int, ...]) -> Any:
        where = pointer(*path)
        line: int = node.start_mark.line + 1
        self._lines.setdefault(where, line)
        if node.anchor is not None:
            self._wrong("yaml-anchor", where, line, "anchors and aliases are not used here; use a `$ref`")
        if node.id == "mapping":
            return self._mapping(node, path)
        if node.id == "sequence":
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, where, line)

    def _mapping(self, node: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line: int = key_node.start_mark.line + 1
            key: str = key_node.value
            if key_node.id != "scalar" or key_node.tag != f"{_SCALARS}str":
                self._wrong("yaml", pointer(*path), line, "a key must be a string")
                continue
            where = pointer(*path, key)
            if key in values:
                self._wrong("duplicate-key", where, line, f"the key `{key}` stands here twice")
                continue
            self._lines[where] = line
            values[key] = self._value(value_node, (*path, key))
        return values

    def _scalar(self, node: Any, where: str, line: int) -> Any:
        text: str = node.value
        kind = str(node.tag).removeprefix(_SCALARS)
        match kind:
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text.replace("_", ""), 0)
            case "float":
                return float(text)
            case _:
                self._wrong("yaml", where, line, f"a value of type `{kind}` is not JSON; put it in quotes")
                return text

    def _wrong(self, rule: str, where: str, line: int, message: str) -> None:
        self._problems.add(rule, where, message, file=self.name, line=line)
