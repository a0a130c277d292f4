"""Verbs are found by listing their folders, and mistakes are said in Chinese."""

from __future__ import annotations

import argparse

import pytest

from tuodi.__main__ import VERB_FOLDERS, main
from tuodi.cli.registry import build_parser, verb_modules


def test_every_verb_file_adds_a_verb_with_help_and_a_function() -> None:
    parser = build_parser(VERB_FOLDERS)
    verbs = next(action for action in parser._actions if action.dest == "verb")
    assert {"db", "migrate", "serve", "worker", "audit", "user"} <= set(verbs.choices)
    helped = {choice.dest for choice in verbs._choices_actions if choice.help}
    assert sorted(set(verbs.choices) - helped) == []
    for name, choice in verbs.choices.items():
        nested = any(isinstance(action, argparse._SubParsersAction) for action in choice._actions)
        assert nested or callable(choice.get_default("run")), name
    assert len(verbs.choices) >= sum(len(verb_modules(folder)) for folder in VERB_FOLDERS)


def test_a_wrong_word_ends_with_2_and_says_so(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nothing-like-this"])
    assert ended.value.code == 2
    assert "参数有误" in capsys.readouterr().err


@pytest.mark.django_db
def test_an_account_is_made_from_the_command_line_and_its_password_shown_once(capsys) -> None:
    words = [
        "user",
        "add",
        "Boss",
        "--name",
        "甲",
        "--office",
        "示例县民政局",
        "--place",
        "420899",
        "--duty",
        "sysadmin",
    ]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "boss" in shown
    assert main(words) == 1
    assert main(["user", "disable", "nobody"]) == 1
    assert "没有找到该账号" in capsys.readouterr().err
    main(["user", "list"])
    listed = capsys.readouterr().out
    assert "系统管理@420899" in listed
    assert shown.strip().rsplit("：", 1)[1] not in listed
