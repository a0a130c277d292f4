"""Printed forms: each is made, holds its words, and nothing in the data becomes markup."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader

from tuodi import documents
from tuodi.documents.schemas import FORMS

RARE = "欧阳䶮㛃𬭎"
HOSTILE = '#eval("1+1") *粗* _斜_ $x^2$ @ref <label> \\ "引号" [方括号] {大括号} // 注释 #import "/etc/passwd"'

_DECIDED = {
    "recipient": RARE, "programme": "最低生活保障", "reasons": [HOSTILE], "clauses": ["国务院令第649号 第13条"],
    "appeal": "六十日内申请行政复议", "appeal_until": "申请复议的最后一日为 2017 年 11 月 11 日",
}  # fmt: skip
_HUNG = {
    "intro": HOSTILE, "columns": ["applicant_name", "member_count", "amount"], "rows": [[RARE, "3", "825.00"]],
    "unit": "元/月", "period": "2017 年 9 月 8 日至 14 日", "qr": documents.qr_svg("http://127.0.0.1/notices/x/"),
}  # fmt: skip
_LIST = {
    "subtitle": HOSTILE,
    "columns": [{"label": "户主"}, {"label": "月保障金", "figures": True}],
    "rows": [[RARE, "825.00"]],
}

SAMPLES: dict[str, dict[str, Any]] = {
    "answer_letter": {
        "number": "420802-FY-20170512-0001", "office": "测试民政局", "date": "2017-05-12", "title": "行政复议决定书", "recipient": RARE,
        "facts": [{"label": "原决定", "value": HOSTILE}], "parts": [{"label": "决定", "value": "撤销，责令重新作出。"}], "remedy": "六个月内起诉",
    },
    "application_form": {
        "head": RARE, "place": HOSTILE, "members": [{"name": RARE, "income_month": "300.00"}],
        "opinions": [{"title": "乡镇（街道）审核意见", "text": "同意", "office": "龙泉街道办事处"}],
    },
    "case_file": {
        "case_no": "420802-SL-1", "head": RARE, "place": HOSTILE, "programme": "最低生活保障", "pages": 2,
        "parts": [{"name": "申请书", "first": 2, "pages": 1}, {"name": "授权书", "state": "missing", "note": "没有签署"}],
    },
    "change_notice": _DECIDED | {"before": "825.00", "after": "550.00", "effective": "2017-10"},
    "decision_notice": _DECIDED | {"applied_on": "2017-09-07"},
    "stop_notice": _DECIDED | {"before": "825.00", "effective": "2017-10", "last_paid": "2017-09"},
    "filing_form": {
        "case_no": "420804-SL-1", "head": RARE, "place": HOSTILE, "programme": "最低生活保障",
        "opinions": [{"title": "县（区）备案意见"}],
    },
    "means_form": {
        "head": RARE, "place": HOSTILE, "supporters": [{"name": RARE}],
        "blocks": [{"title": "收入", "unit": "元/年", "rows": [{"label": "养老金", "declared": "3,600.00"}], "total": "3,600.00"}],
    },
    "notice_sheet": _HUNG,
    "standing_notice": _HUNG,
    "roster": _LIST,
    "ledger": _LIST,
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


#: Forms whose heading names the programme, or is given with the data.
OWN_HEADING = {
    "answer_letter": "行政复议决定书",
    "change_notice": "最低生活保障调整告知书",
    "decision_notice": "最低生活保障不予确认告知书",
    "filing_form": "最低生活保障确认备案表",
    "stop_notice": "最低生活保障停发告知书",
}


def text_of(pdf: bytes) -> str:
    """The words on the paper, without spaces."""
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_every_form_has_a_sample_and_a_title() -> None:
    assert set(SAMPLES) == set(FORMS) == set(documents.TEMPLATES)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_form_holds_its_words_and_rare_characters(name: str) -> None:
    pdf = documents.render(name, SAMPLES[name], printed_by="李四", printed_at="2017-09-08 09:00")
    words = text_of(pdf)
    assert OWN_HEADING.get(name, documents.TEMPLATES[name]) in words
    assert RARE in words
    assert "李四2017-09-0809:00打印" in words
    assert "第1页，共" in words


@pytest.mark.parametrize("name", ["check_report", "suspension_notice"])
def test_data_never_becomes_markup(name: str) -> None:
    words = text_of(documents.render(name, SAMPLES[name]))  # no watermark, which would run through the words
    assert '#eval("1+1")*粗*_斜_$x^2$@ref<label>' in words


def test_a_blank_consent_form_needs_no_data_and_carries_no_mark() -> None:
    words = text_of(documents.render("consent_form", {}))
    assert "授权人签字" in words
    assert "打印" not in words


def test_hands_are_added_up_and_left_open_where_nobody_has_counted() -> None:
    minutes = SAMPLES["review_minutes"]
    counted = {"head": "甲", "agree": 8, "against": 0, "abstain": 1, "conclusion": "同意"}
    words = text_of(documents.render("review_minutes", minutes | {"cases": [counted]}))
    assert "同意8人，不同意0人，弃权1人，合计9人" in words
    words = text_of(documents.render("review_minutes", minutes | {"cases": [{"head": "甲"}]}))
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


def test_a_notice_sheet_has_no_place_for_anything_but_the_allowed_columns() -> None:
    with pytest.raises(documents.DocumentDataError) as caught:
        documents.render(
            "notice_sheet", SAMPLES["notice_sheet"] | {"columns": ["applicant_name", "id_no"], "bank": "x"}
        )
    assert {path for path, _ in caught.value.faults} == {"columns.1", "bank"}


def test_the_heading_of_a_notice_on_a_grant_says_so() -> None:
    granted = SAMPLES["decision_notice"] | {"granted": True, "amount": "825.00", "start": "2017-10", "members": "3"}
    words = text_of(documents.render("decision_notice", granted))
    assert "最低生活保障确认告知书" in words
    assert "保障人口3人，每月825.00元，自2017年10月起发放" in words
    assert "不予" not in words
