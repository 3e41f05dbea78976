"""
From the bytes of a manifest file to plain values: YAML of one or many documents, or JSON.

The bytes are anybody's: files are bounded, aliases are counted as if written out, keys must be unique and
texts, nothing but plain data is made. Messages never repeat what is in the file: it may be a secret.
"""

import json
import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

__all__ = ["MAX_BYTES", "ManifestError", "read_documents"]

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 64

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_SURROGATE = re.compile("[\ud800-\udfff]")


class ManifestError(Exception):
    """A manifest that cannot be taken; a line for each thing that is wrong with it."""

    def __init__(self, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def read_documents(data: bytes, *, is_json: bool) -> list[Any]:
    """The documents in a file, empty ones left out. Raises ManifestError."""
    if len(data) > MAX_BYTES:
        raise ManifestError(f"is larger than {MAX_BYTES // 1024**2} MiB; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ManifestError(f"line {line}: is not UTF-8 text") from None
    documents = list(_json(text) if is_json else _yaml(text))
    _bound(documents)
    return documents


# ------------------------------------------------------------------------------------------ YAML


class _Loader(_Base):  # type: ignore[misc]  # chosen when imported: C where there is a compiler's work
    """PyYAML's safe loader with unique keys, and dates left as the texts they are in Kubernetes."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(
        self, node: Any, deep: bool = False
    ) -> dict[Hashable, Any]:  # PyYAML's signature
        if isinstance(node, yaml.MappingNode):
            _refuse_twins(node)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return made


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name in seen and name != "<<":
            line = key.start_mark.line + 1
            raise ManifestError(f"line {line}: a key is there twice; keep one")
        if name is not None:
            seen.add(name)


def _yaml(text: str) -> Iterator[Any]:
    try:
        for document in yaml.load_all(text, Loader=_Loader):  # a safe loader's child
            if document is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        raise ManifestError(_told(error)) from None
    except yaml.YAMLError:
        raise ManifestError("is not YAML: it holds characters that YAML does not allow") from None
    except (ValueError, OverflowError):
        raise ManifestError("is not YAML: a number in it is malformed; put it in quotes") from None
    except RecursionError:
        raise ManifestError("is nested too deeply") from None


def _told(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}: " if mark else ""
    problem = _QUOTED.sub(_short, error.problem or "cannot be read")
    if "undefined alias" in problem:
        problem += "; put a text that begins with * in quotes"
    elif "constructor for the tag" in problem:
        problem += "; put a text that begins with ! in quotes"
    return f"{place}is not YAML: {problem}"


def _short(quoted: re.Match[str]) -> str:
    """A single character in quotes is PyYAML's, more may be the file's."""
    return quoted[0] if len(quoted[0]) <= len("'x'") else "'…'"


# ------------------------------------------------------------------------------------------ JSON


def _json(text: str) -> Iterator[Any]:
    if not text.strip():
        return
    try:
        yield json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ManifestError(f"line {error.lineno}: is not JSON: {error.msg}") from None
    except ValueError:
        raise ManifestError("is not JSON: a number in it is malformed") from None
    except RecursionError:
        raise ManifestError("is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ManifestError("a key is there twice in one object; keep one")
    return made


def _no_constant(name: str) -> Any:
    raise ManifestError(f"is not JSON: {name} is not a number")


# ---------------------------------------------------------------------------------------- bounds


def _bound(documents: list[Any]) -> None:
    """Refuse what is too large when its aliases are written out, or too deep, or has odd keys."""
    values = 0
    waiting: list[tuple[Any, int]] = [(document, 1) for document in documents]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > MAX_VALUES or len(waiting) > MAX_VALUES:
            raise ManifestError(f"has more than {MAX_VALUES} values, aliases written out; split it")
        if depth > MAX_DEPTH:
            raise ManifestError("is nested too deeply")
        waiting += [(part, depth + 1) for part in _parts(value)]


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ManifestError("a key is not text; put it in quotes (on, yes and 1 are not texts)")
        return [*value.keys(), *value.values()]
    if isinstance(value, str) and _SURROGATE.search(value):
        raise ManifestError("holds half of a character (\\ud800 to \\udfff), which is no text")
    return value if isinstance(value, list) else []
