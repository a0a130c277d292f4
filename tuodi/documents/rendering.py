"""Compiling one form to PDF. The same data gives the same bytes: no clock is asked and no system font is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn as chinese
import typst
from pydantic import ValidationError

from tuodi.documents.errors import DocumentDataError, DocumentError, UnknownDocumentError
from tuodi.documents.schemas import FORMS

__all__ = ["FOLDER", "TEMPLATES", "TIME_OF_NOTHING", "fonts", "render"]

FOLDER = Path(__file__).with_name("templates")
#: Form -> its Chinese title.
TEMPLATES: dict[str, str] = {
    "acceptance_receipt": "社会救助申请受理回执",
    "application_form": "社会救助申请审批表",
    "case_file": "社会救助案卷",
    "change_notice": "救助金额调整告知书",
    "answer_letter": "答复书",
    "check_report": "居民家庭经济状况核对报告",
    "clue_sheet": "线索核查单",
    "consent_form": "居民家庭经济状况核对授权书",
    "decision_notice": "不予确认告知书",
    "filing_form": "社会救助确认备案表",
    "home_visit": "入户调查表",
    "ledger": "台账",
    "limits_board": "社会救助办理流程和办理时限",
    "means_form": "家庭经济状况核查表",
    "missing_papers": "补正材料一次性告知书",
    "notice_sheet": "公示单",
    "review_minutes": "民主评议记录",
    "roster": "花名册",
    "standing_notice": "长期公示表",
    "stop_notice": "停发告知书",
    "suspension_notice": "停保告知书",
}
#: Creation time written into a PDF whose data names no day.
TIME_OF_NOTHING = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """The two typefaces every form is set in."""
    # Reading two fonts of some ten MiB takes a quarter of a second; once a process is enough.
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(chinese.serif_path().parent)],
    )


def render(template: str, data: Mapping[str, Any], *, printed_by: str = "", printed_at: str = "") -> bytes:
    """One form as PDF.

    Args:
        template: One of `TEMPLATES`.
        data: What the form's schema takes; see `schemas`.
        printed_by: The user, for watermark and foot; empty = neither (a blank form for the public).
        printed_at: When, as text, beside it.

    Raises:
        UnknownDocumentError, DocumentDataError.
        DocumentError: The typesetter failed; a fault of the product.
    """
    if template not in FORMS:
        raise UnknownDocumentError(template, sorted(FORMS))
    try:
        form = FORMS[template].model_validate(dict(data))
    except ValidationError as error:
        faults = [(".".join(map(str, one["loc"])) or "-", one["msg"]) for one in error.errors(include_input=False)]
        raise DocumentDataError(TEMPLATES[template], faults) from None
    mark = " ".join(part for part in (printed_by, printed_at) if part)
    inputs = {"data": json.dumps(form.model_dump(), ensure_ascii=False), "mark": mark}
    inputs["title"] = form.title or TEMPLATES[template]
    day = datetime.strptime(form.date, "%Y-%m-%d").replace(tzinfo=UTC) if form.date else TIME_OF_NOTHING
    compiler = typst.Compiler(FOLDER / f"{template}.typ", root=FOLDER, font_paths=fonts(), sys_inputs=inputs)
    try:
        made = compiler.compile(format="pdf", timestamp=day)
    except typst.TypstError as error:
        raise DocumentError(
            f"文书“{TEMPLATES[template]}”没有生成：{error.message}。请把这条消息报给系统管理员。"
        ) from error
    if not isinstance(made, bytes):
        raise DocumentError(f"文书“{TEMPLATES[template]}”没有生成内容。请把这条消息报给系统管理员。")
    return made
