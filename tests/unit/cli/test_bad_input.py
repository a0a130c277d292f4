"""Whatever a user feeds the command: never a traceback, always a Chinese sentence with a remedy and an exit code that says no."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tuodi.__main__ import main

GOOD: dict[str, Any] = {
    "place": "420802",
    "on": "2017-05-10",
    "month": "2017-06",
    "household": {"area_kind": "urban", "income_year": 10800, "assets_ok": True},
    "members": 3,
}
CHINESE = re.compile("[\u4e00-\u9fff]")


def _refused(capsys: Any, *words: object, code: int = 1) -> str:
    try:
        ended = main([str(word) for word in words])
    except SystemExit as error:
        ended = error.code
    said = capsys.readouterr()
    assert ended == code, said
    assert CHINESE.search(said.err + said.out)
    return said.err + said.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "文件是空的"),
        (bytes(range(256)), "不是 UTF-8"),
        (b"[1]", "应是一个 JSON 对象"),
        (b'{"place": "420802", ', "JSON 写法有误"),
        (b"[" * 100_000, "括号套得太深"),
        (b'{"place": "1", "place": "2"}', "写了两次"),
        (b'{"place": "420802", "on": "2017-05-10", "household": {"area_kind": "\\ud800"}}', "不成对"),
    ],
)
def test_decide_refuses_a_file_that_is_no_family(capsys: Any, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    assert said in _refused(capsys, "decide", path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"household": {"area_kind": "urban", "income_year": 10**4000}}, "太大"),
        ({"household": {"area_kind": "urban", "income_year": "1e999999999"}}, "太大"),
        ({"household": []}, "household: 这里应是"),
        ({"household": {"area_kind": {"value": {"value": ["x"]}}}}, "不在可选项里"),
        ({"members": 31}, "最多 30 行"),
        ({"members": -1}, "不能少于 0"),
        ({"members": [1, None]}, "members[1]"),
        ({"members": [{"name": ["a"]}]}, "members[0].name"),
        ({"assume": [1]}, "assume: "),
        ({"assume": {"dibao.standard": "9" * 400}}, "请核对假设的数"),
        ({"programme": ["dibao"]}, "programme: "),
        ({"place": "东宝区"}, "没有地区“东宝区”"),
        ({"place": "999999"}, "没有地区"),
        ({"on": "9999-12-31"}, "太晚"),
        ({"month": "2017-13"}, "不是月份"),
    ],
)
def test_decide_names_what_is_wrong_in_a_family(capsys: Any, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps({**GOOD, **change}), encoding="utf-8")
    assert said in _refused(capsys, "decide", path)


def test_decide_refuses_paths_and_words(capsys: Any, tmp_path: Path) -> None:
    assert "文件夹" in _refused(capsys, "decide", tmp_path)
    assert "没有这个文件" in _refused(capsys, "decide", tmp_path / "no.json")
    assert "标准输入" in _refused(capsys, "decide", code=2)
    assert "可用" in _refused(capsys, "decide", "x", "--format", "xml", code=2)


def test_policy_check_refuses_what_is_no_pack(capsys: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.yaml").write_text("pack: {place: cn\nparameters: [", encoding="utf-8")
    (broken / "b.yaml").write_bytes(b"\xff\xfe\x00")
    (broken / "c.yaml").write_text("a: &x [*x]\n", encoding="utf-8")
    (broken / "d.yaml").symlink_to(tmp_path / "nowhere")
    said = _refused(capsys, "policy", "check", "--only", broken)
    assert [name for name in "abcd" if f"{name}.yaml:" not in said] == []
    (tmp_path / "empty").mkdir()
    plain = tmp_path / "plain.txt"
    plain.write_text("x", encoding="utf-8")
    assert "没有 YAML 文件" in _refused(capsys, "policy", "check", "--only", tmp_path / "empty")
    assert "请核对路径" in _refused(capsys, "policy", "check", tmp_path / "no")
    assert "plain.txt:1" in _refused(capsys, "policy", "check", "--only", plain)
    assert "请核对路径" in _refused(capsys, "policy", "diff", tmp_path / "no", broken, code=2)


@pytest.mark.django_db
def test_verbs_with_a_database_refuse_alike(capsys: Any, tmp_path: Path) -> None:
    binary = tmp_path / "b.xlsx"
    binary.write_bytes(bytes(range(256)))
    where = ("--profile", "jingmen-urban", "--place", "420802", "--month", "2017-08")
    _refused(capsys, "roster", "import", tmp_path / "no.xlsx", *where, code=2)
    _refused(capsys, "roster", "import", binary, *where)
    _refused(capsys, "roster", "import", binary, "--profile", "nope")
    assert "没有家庭" in _refused(capsys, "explain", "x", "--month", "2017-06")
    assert "没有家庭" in _refused(capsys, "payrun", "--month", "2017-06", "--household", "x")
    assert "开账" in _refused(capsys, "payrun", "--month", "2017-06", "--place", "420802")
    assert "不是月份" in _refused(capsys, "payrun", "--month", "2017-13", "--place", "420802")
    for path in (tmp_path / "no", tmp_path, binary):
        assert "锚定文件" in _refused(capsys, "audit", "verify", "--anchors", path)
    assert "锚定文件" in _refused(capsys, "audit", "anchor", "--anchors", tmp_path)
    words = ("--name", "甲", "--office", "乙", "--place", "420899", "--duty", "nope")
    assert "没有职责" in _refused(capsys, "user", "add", "x", *words, code=2)
