"""YAML as text: every plain scalar stays the text that was written, with its line; duplicate keys are faults.

YAML's own typing turns `on` and `no` into booleans, `0.30` into a float and `012` into ten; the law may not depend on that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tuodi.policy.faults import Fault

__all__ = ["Map", "Seq", "Text", "empty_map", "is_null", "line_of", "load_documents", "read_documents"]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Text(str):
    """A scalar as written. `plain` is False for quoted or block scalars."""

    line: int
    plain: bool


class Map(dict[str, Any]):
    """A mapping; `line` is where it starts, `lines` where each key stands."""

    line: int
    lines: dict[str, int]


class Seq(list[Any]):
    """A sequence; `line` is where it starts."""

    line: int


def empty_map(line: int) -> Map:
    """An empty mapping that stands on a line."""
    empty = Map()
    empty.line, empty.lines = line, {}
    return empty


def is_null(value: Any) -> bool:
    """True for a plain `null`, `~` or an empty value."""
    return value is None or (isinstance(value, Text) and value.plain and value in ("", "null", "~", "Null", "NULL"))


def line_of(value: Any, default: int = 1) -> int:
    """The line a node was written on (1-based)."""
    return getattr(value, "line", default)


def _convert(node: Any, file: str, faults: list[Fault]) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        text = Text(node.value)
        text.line = line
        text.plain = node.style in (None, "")  # the C parser says "" for plain
        return text
    if isinstance(node, yaml.SequenceNode):
        seq = Seq(_convert(child, file, faults) for child in node.value)
        seq.line = line
        return seq
    result = Map()
    result.line = line
    result.lines = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault(file, key_line, "键必须是文字，不能是列表或映射"))
            continue
        key = key_node.value
        if key in result:
            faults.append(Fault(file, key_line, f"键“{key}”重复，前一处在第 {result.lines[key]} 行；请合并或改名"))
            continue
        result[key] = _convert(value_node, file, faults)
        result.lines[key] = key_line
    return result


def load_documents(path: Path, faults: list[Fault] | None = None, *, name: str | None = None) -> list[Map]:
    """Every document of a YAML file as `Map`s of `Text`, `Map` and `Seq`.

    Args:
        path: the file, UTF-8.
        faults: collects faults; without it the first fault raises `PolicyErrors`.
        name: how faults call the file; its path unless given.
    """
    from tuodi.policy.faults import PolicyErrors

    own: list[Fault] = []
    file = name or str(path)
    documents: list[Map] = []
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        own.append(Fault(file, 1, "读不了这个文件；检查它是不是文件夹或失效的链接，以及读取权限"))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        own.append(Fault(file, line, "文件不是 UTF-8 编码；请另存为 UTF-8"))
    else:
        documents = read_documents(text, file, own)
    if faults is None:
        if own:
            raise PolicyErrors(own)
    else:
        faults.extend(own)
    return documents


def read_documents(text: str, file: str, faults: list[Fault], *, aliases: bool = True) -> list[Map]:
    """Every document of a YAML text, as `load_documents` gives those of a file.

    Args:
        file: how faults call the text.
        aliases: whether anchors may be used; where people type, a few of them could unfold without end.
    """
    documents: list[Map] = []
    try:
        if not aliases:
            for token in yaml.scan(text, Loader=_Loader):
                if isinstance(token, yaml.AliasToken):
                    faults.append(Fault(file, token.start_mark.line + 1, "这里不用锚点（&、*）；请把内容写全"))
                    return []
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is None:
                continue
            if not isinstance(node, yaml.MappingNode):
                faults.append(Fault(file, node.start_mark.line + 1, "文件应是“键: 值”的映射"))
                continue
            documents.append(_convert(node, file, faults))
    except RecursionError:
        faults.append(Fault(file, 1, "YAML 层数太多，或引用了自己；请拆开写，不用锚点（&、*）"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        faults.append(
            Fault(file, mark.line + 1 if mark else 1, f"YAML 写法有误（{error.problem}）；检查缩进、冒号后的空格和引号")
        )
    except yaml.YAMLError as error:
        faults.append(Fault(file, 1, f"YAML 写法有误（{error}）；检查不可见字符"))
    return documents
