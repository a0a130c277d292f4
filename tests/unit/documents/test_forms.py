"""Printed forms: each is made, holds its words, and nothing in the data becomes markup."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tuodi import documents
from tuodi.documents.schemas import FORMS

RARE = "欧阳䶮㛃𬭎"
HOSTILE = '#eval("1+1") *粗* _斜_ $x^2$ @ref <label> \\ "引号" [方括号] {大括号} // 注释 #import "/etc/passwd"'

SAMPLES: dict[str, dict[str, Any]] = {
    "acceptance_receipt": {
        "number": "420802-HZ-1", "case_no": "420802-SL-1", "applicant": RARE, "place": HOSTILE, "programmes": ["最低生活保障"],
        "accepted_on": "2017-09-07", "due": "2017 年 11 月 6 日前", "papers": [{"name": "身份证", "kind": "复印件", "copies": "1 份"}],
        "owed": ["在校证明"], "steps": [{"label": "入户调查", "who": "乡镇", "limit": "10个工作日"}], "officer": "李梅", "officer_b": "周强",
    },
    "missing_papers": {
        "recipient": RARE, "programmes": ["最低生活保障"], "until": "2017-09-21",
        "missing": [{"name": "在校证明", "requirement": HOSTILE, "source": "就读学校", "clause": "第十条"}],
    },
    "check_report": {
        "number": "420802-HB-20170512-0001", "office": "测试核对中心", "date": "2017-05-12", "request_no": "420802-HD-1",
        "purpose": "新申请", "household_no": "420802-00000001", "head": RARE, "place": HOSTILE, "complete": False,
        "valid_to": "2017-08-10", "people": [{"name": RARE, "role": "家庭成员"}],
        "items": [{"source": "机动车登记", "person": RARE, "what": "机动车登记", "found": "小型轿车", "mark": "undeclared", "mark_label": "未申报"}],
        "missing": [{"who": "税务", "why": "没有在规定时间内答复"}],
    },
    "clue_sheet": {
        "clue_no": "420802-XS-1", "rule": "名下有机动车", "severity": "红", "found_on": "2017-09-01", "source": "机动车登记",
        "person": RARE, "place": HOSTILE, "register_rows": [{"label": "号牌号码", "value": "鄂H12345"}],
    },
    "consent_form": {"head": RARE, "place": HOSTILE, "people": [{"name": RARE, "guardian": "监护人甲"}]},
    "limits_board": {
        "place": HOSTILE, "office": RARE, "lines": ["12349"], "programmes": [
            {"label": "最低生活保障", "total": "30 个工作日", "papers": ["居民身份证"], "steps": [{"label": "受理", "who": "乡镇", "limit": "当场"}]},
        ],
    },
    "home_visit": {
        "household_no": "420802-00000001", "head": RARE, "place": HOSTILE, "visited_at": "2017-09-05 10:00",
        "investigators": ["张三", "李四"], "members": [{"name": RARE, "present": True}],
        "assets": [{"label": "机动车", "declared": "无", "seen": "轿车", "agrees": False}],
    },
    "review_minutes": {
        "place": HOSTILE, "held_at": "2017-09-06 15:00", "chair": RARE, "attendees": [{"name": "代表", "represents_residents": True}],
        "cases": [{"head": RARE, "agree": 8, "abstain": 1, "conclusion": "同意"}],
    },
    "suspension_notice": {
        "recipient": RARE, "place": HOSTILE, "programme": "最低生活保障", "suspended_from": "2017-10",
        "reasons": [HOSTILE], "clauses": ["国务院令第649号 第13条"], "appeal": "六十日内申请行政复议",
    },
}  # fmt: skip


def text_of(pdf: bytes, folder: Path) -> str:
    """The words on the paper, without spaces."""
    if shutil.which("pdftotext") is None:
        pytest.skip("没有 pdftotext")
    path = folder / "form.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def test_every_form_has_a_sample_and_a_title() -> None:
    assert set(SAMPLES) == set(FORMS) == set(documents.TEMPLATES)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_form_holds_its_words_and_rare_characters(name: str, tmp_path: Path) -> None:
    pdf = documents.render(name, SAMPLES[name], printed_by="李四", printed_at="2017-09-08 09:00")
    words = text_of(pdf, tmp_path)
    assert documents.TEMPLATES[name] in words
    assert RARE in words
    assert "李四2017-09-0809:00打印" in words
    assert "第1页，共" in words


@pytest.mark.parametrize("name", ["check_report", "suspension_notice"])
def test_data_never_becomes_markup(name: str, tmp_path: Path) -> None:
    words = text_of(documents.render(name, SAMPLES[name]), tmp_path)  # no watermark, which would run through the words
    assert '#eval("1+1")*粗*_斜_$x^2$@ref<label>' in words


def test_a_blank_consent_form_needs_no_data_and_carries_no_mark(tmp_path: Path) -> None:
    words = text_of(documents.render("consent_form", {}), tmp_path)
    assert "授权人签字" in words
    assert "打印" not in words


def test_hands_are_added_up_and_left_open_where_nobody_has_counted(tmp_path: Path) -> None:
    minutes = SAMPLES["review_minutes"]
    counted = {"head": "甲", "agree": 8, "against": 0, "abstain": 1, "conclusion": "同意"}
    words = text_of(documents.render("review_minutes", minutes | {"cases": [counted]}), tmp_path)
    assert "同意8人，不同意0人，弃权1人，合计9人" in words
    words = text_of(documents.render("review_minutes", minutes | {"cases": [{"head": "甲"}]}), tmp_path)
    assert "同意人，不同意人，弃权人" in words
    assert "合计" not in words


def test_the_same_data_gives_the_same_bytes() -> None:
    first, second = (documents.render("clue_sheet", SAMPLES["clue_sheet"], printed_by="李四") for _ in range(2))
    assert first == second


def test_unknown_forms_and_wrong_data_are_refused_with_paths_and_without_values() -> None:
    with pytest.raises(documents.UnknownDocumentError, match="clue_sheet"):
        documents.render("../../etc/passwd", {})
    wrong = SAMPLES["suspension_notice"] | {"suspended_from": "秘密420899", "reasons": [], "surprise": 1}
    with pytest.raises(documents.DocumentDataError) as caught:
        documents.render("suspension_notice", wrong)
    assert {path for path, _ in caught.value.faults} == {"suspended_from", "reasons", "surprise"}
    assert "秘密" not in str(caught.value)
