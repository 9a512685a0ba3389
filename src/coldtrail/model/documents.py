"""Definitions as documents of YAML (or JSON, which is YAML): read with the line of every field, written so that it reads back.

Scalars are those of YAML 1.2's core schema, so that `on`, `02:00` and `2026-11-21` stay the texts that they look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

MOST_BYTES = 4 << 20
MOST_NODES = 100_000
SUFFIXES = (".yaml", ".yml", ".json")

_CORE = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the library has it


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists are indented, as people write them."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """What is there twice is written twice."""
        return True


for _name, (_pattern, _first) in _CORE.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _first)


class BadDocument(ValueError):
    """A file cannot be read; the message says which line and why."""


class Document(Struct, frozen=True):
    """One definition of a file. ``lines``: of each field by its path (`$.check.above`), beginning with 1."""

    kind: str
    name: str
    spec: dict[str, Any]
    file: str
    line: int
    lines: dict[str, int]

    def line_of(self, path: str) -> int:
        """Return the line of a field, or of what it is missing in."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["))] if path not in ("$", "") else ""
        return self.lines.get(path, self.line)


def files_of(paths: list[Path]) -> Iterator[Path]:
    """Yield the files that paths name: themselves, and of folders all with definitions in them, by name.

    Raises:
        BadDocument: there is no such path.
    """
    for path in paths:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.suffix in SUFFIXES and one.is_file())
        elif path.is_file():
            yield path
        else:
            raise BadDocument(f"{path}: there is no such file or folder")


def read_file(path: Path) -> list[Document]:
    """Return the documents of a file.

    Raises:
        BadDocument: it is no YAML, or one of them names no kind and name.
    """
    if path.stat().st_size > MOST_BYTES:
        raise BadDocument(f"{path}: more than {MOST_BYTES >> 20} MiB")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadDocument(f"{path}: it is no text in UTF-8") from None
    return read_text(text, path.as_posix())


def read_text(text: str, file: str) -> list[Document]:
    """Return the documents of a text, of which errors tell as of ``file``.

    Raises:
        BadDocument: as of a file.
    """
    try:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadDocument(f"{file} line {line}: {error.problem or 'this is no YAML'}") from None
    except (yaml.YAMLError, RecursionError):
        raise BadDocument(f"{file}: this is no YAML") from None
    return [_document(node, file) for node in nodes if node is not None and node.tag != "tag:yaml.org,2002:null"]


def written(kind: str, name: str, spec: dict[str, Any]) -> str:
    """Return a definition as a document."""
    return str(
        yaml.dump({"kind": kind, "name": name, **spec}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    )


def _document(node: yaml.Node, file: str) -> Document:
    walk = _Walk(file)
    line = node.start_mark.line + 1
    body = walk.value(node, "$")
    if not isinstance(body, dict):
        raise BadDocument(f"{file} line {line}: a document must have fields, the first of them kind and name")
    for field in ("kind", "name"):
        if not isinstance(body.get(field), str):
            raise BadDocument(f"{file} line {walk.lines.get(f'$.{field}', line)}: the document needs a {field}, a text")
    kind, name = body.pop("kind"), body.pop("name")
    if set(body) == {"spec"} and isinstance(body["spec"], dict):
        inner = {path.replace("$.spec", "$", 1): at for path, at in walk.lines.items() if path.startswith("$.spec")}
        return Document(kind, name, body["spec"], file, line, inner)
    return Document(kind, name, body, file, line, walk.lines)


class _Walk:
    """Makes values of nodes, and keeps where each was."""

    def __init__(self, file: str) -> None:
        self.lines: dict[str, int] = {}
        self._file = file
        self._count = 0

    def value(self, node: Any, path: str) -> Any:
        self._count += 1
        # Aliases of aliases can mean more than any machine holds.
        if self._count > MOST_NODES:
            raise BadDocument(f"{self._file}: more than {MOST_NODES} values")
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(one, f"{path}[{at}]") for at, one in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._bad(key, "the name of a field must be a text")
            name = _joined(key.value)
            if name in found:
                raise self._bad(key, f'the field "{name[:80]}" is there twice')
            found[name] = self.value(value, f"{path}.{name}")
            self.lines[f"{path}.{name}"] = key.start_mark.line + 1
        return found

    def _scalar(self, node: Any) -> Any:
        kind, text = node.tag.rpartition(":")[2], node.value
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text) if len(text) < 20 else float(text)
        if kind == "float":
            return float(text)
        if kind == "str":
            return _joined(text)
        raise self._bad(node, f"what is written as {node.tag} is not understood")

    def _bad(self, node: Any, why: str) -> BadDocument:
        return BadDocument(f"{self._file} line {node.start_mark.line + 1}: {why}")


def _joined(text: str) -> str:
    """JSON writes what is beyond sixteen bits as two escapes, which YAML takes for two letters."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
