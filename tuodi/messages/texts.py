"""Texts of messages: templates in Chinese, kept as data in `texts.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import yaml

from tuodi.messages.errors import TemplateError

__all__ = ["SIGN", "Template", "fill", "template", "templates"]

#: How every text begins; a page that shows its own name leaves it out.
SIGN = "【托底·社会救助】"
_FILE = Path(__file__).with_name("texts.yaml")
#: Fifteen digits or more in a row, blanks between them or not: an identity number, old or new, or a bank account.
_NUMBER = re.compile(r"\d(?:[ \u3000]?\d){14,}")


@dataclass(frozen=True)
class Template:
    """One text.

    Attributes:
        label: what it is called in lists.
        text: with facts in braces.
        minutes: how long the message is of use; None = it does not go stale.
        facts: the names in braces.
    """

    name: str
    label: str
    text: str
    minutes: int | None
    facts: frozenset[str]


@cache
def templates() -> dict[str, Template]:
    """All templates by name."""
    found = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        name: Template(
            name,
            item["label"],
            item["text"],
            item.get("minutes"),
            frozenset(field for _, field, _, _ in Formatter().parse(item["text"]) if field),
        )
        for name, item in found.items()
    }


def template(name: str) -> Template:
    """One template. Raises: TemplateError."""
    found = templates().get(name)
    if found is None:
        raise TemplateError(name, "没有这个模板")
    return found


def fill(name: str, context: dict[str, object]) -> str:
    """The text with its facts.

    Raises: TemplateError for a fact too few or too many, and for one that looks like an identity or account number.
    """
    chosen = template(name)
    if chosen.facts != context.keys():
        listed = "、".join(sorted(chosen.facts ^ context.keys()))
        raise TemplateError(name, f"内容项不符（{listed}）")
    text = chosen.text.format_map(context)
    if _NUMBER.search(text):
        raise TemplateError(name, "内容里有证件号码或账号，不能写进短信")
    return text
