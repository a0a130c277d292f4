"""Template filters, icons and chips."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from django.template import Context, Template

from tuodi.kernel.periods import Month
from tuodi.web import assets
from tuodi.web.components import navigation, words
from tuodi.web.templatetags import tuodi as tags

WEB = Path(assets.__file__).parent


@pytest.mark.parametrize(("fen", "shown"), [(123450, "1,234.50"), (-4000, "−40.00"), (0, "0.00"), (None, "—")])
def test_yuan(fen: int | None, shown: str) -> None:
    assert tags.yuan(fen) == shown


@pytest.mark.parametrize(("fen", "shown"), [(7500, "+75.00"), (-4000, "−40.00"), (0, "0.00"), (None, "—")])
def test_signed_change(fen: int | None, shown: str) -> None:
    assert tags.yuan_signed(fen) == shown


@pytest.mark.parametrize("given", [Month(2017, 4), date(2017, 4, 9), 201704, Month(2017, 4).no, "2017-04-09"])
def test_any_form_of_a_month(given: object) -> None:
    assert tags.month(given) == "2017-04"


def test_dash_keeps_zero() -> None:
    assert tags.dash(0) == 0
    assert tags.dash("") == "—"


def test_user_text_in_a_chip_is_escaped() -> None:
    html = Template("{% load tuodi %}{% clause text %}{% state_tag text %}").render(Context({"text": "<b>x"}))
    assert "<b>" not in html


def test_icons_named_in_pages_are_in_the_list() -> None:
    named = {look.icon for kind in (words.RESULTS, words.ROWS) for look in kind.values() if look.icon}
    named |= {entry.icon for group in navigation.GROUPS for entry in group.entries}
    for path in WEB.rglob("templates/**/*.html"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'(?:icon |icon_name=|icon_name\|default:)"([\w-]+)"', text))
    assert len(named) > 20
    assert named <= set(assets.ICONS)


def test_templates_hold_no_inline_script_or_style_element() -> None:
    for path in WEB.rglob("templates/**/*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert "<style" not in text, path
        assert not re.search(r"\son[a-z]+=", text), path
        assert "javascript:" not in text, path
