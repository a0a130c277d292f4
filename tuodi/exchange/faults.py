"""Everything that can be odd about a row of a roster: code, level, what is said, what to do.

Levels: ``note`` (cleaned without doubt), ``warning`` (taken over, to be looked at), ``error`` (the row cannot be used),
``quarantine`` (the identity number cannot be used). Values shown are masked.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tuodi.exchange.names import CHANGE_LABELS as NAME_CHANGES
from tuodi.kernel.identity import CHANGE_LABELS, WARNING_LABELS, InvalidIdError
from tuodi.kernel.masking import mask_id, mask_name

__all__ = ["Fault"]

Level = Literal["note", "warning", "error", "quarantine"]


class Fault(NamedTuple):
    """One finding. ``shown`` is the written value, masked; ``remedy`` says what to do."""

    level: Level
    code: str
    field: str
    shown: str
    reason: str
    remedy: str


_PAPER = "请对照证件原件改正后重新导入"


def bad_id(error: InvalidIdError) -> Fault:
    """The number cannot be read; the kernel's sentence says why."""
    reason = error.message.split("：", 1)[-1].split("。")[0]
    remedy = error.message.rstrip("。").rsplit("。", 1)[-1]
    return Fault("quarantine", f"id_{error.reason}", "id_no", error.fields["masked"], f"身份证号{reason}", remedy)


def id_check(text18: str) -> Fault:
    """The check digit is wrong: one of the digits is a slip."""
    return Fault("quarantine", "id_check_digit", "id_no", mask_id(text18), "身份证号校验码不对，至少有一位写错", _PAPER)


def id_changed(change: str) -> Fault:
    """Cleaned without doubt."""
    code = "id_number_cell" if change == "number" else f"id_{change}"
    return Fault("note", code, "id_no", "", f"身份证号：{CHANGE_LABELS[change]}", "无需处理")


def id_warning(warning: str) -> Fault:
    """Read, but odd."""
    level: Level = "note" if warning == "converted_15" else "warning"
    return Fault(level, f"id_{warning}", "id_no", "", f"身份证号：{WARNING_LABELS[warning]}", "请核对证件")


def name_changed(change: str) -> Fault:
    """Cleaned without doubt."""
    return Fault("note", change, "name", "", NAME_CHANGES[change], "无需处理")


def bad_name(written: str) -> Fault:
    """Empty, digits, formulas."""
    reason = "姓名含有不能出现在姓名中的字符" if written else "没有填写姓名"
    return Fault("error", "bad_name", "name", mask_name(written[:12]), reason, "请填写证件上的姓名")


def sex_differs(written: str) -> Fault:
    """The number wins."""
    return Fault("warning", "sex_differs", "sex", written, "性别与身份证号不一致，按身份证号计算", "请核对证件")


def birth_differs(written: str) -> Fault:
    """The number wins."""
    return Fault(
        "warning",
        "birth_differs",
        "birth",
        written[:4] + "-**-**",
        "出生日期与身份证号不一致，按身份证号计算",
        "请核对证件",
    )


def birth_unread(written: str) -> Fault:
    """The number says the day."""
    return Fault("note", "birth_unread", "birth", written[:4], "出生日期不能识别，按身份证号计算", "无需处理")


def relation_unknown(written: str) -> Fault:
    """Taken over as 未注明."""
    return Fault(
        "warning",
        "relation_unknown",
        "relation",
        written[:12],
        "与户主关系不在对照表中，记为“未注明”",
        "请改用标准称谓",
    )


def maybe_dead(written: str) -> Fault:
    """A remark is no death certificate."""
    return Fault(
        "warning", "maybe_dead", "remark", written[:20], "备注提到死亡，但仍列在名册中", "请核对户籍，属实的走停发程序"
    )


def unknown_programme(written: str) -> Fault:
    """Nobody knows what the family gets."""
    return Fault(
        "error",
        "unknown_programme",
        "programme",
        written[:12],
        "救助类别不在对照表中",
        "请填写城市低保、农村低保或农村五保",
    )


def unknown_value(field: str, label: str, written: str) -> Fault:
    """A coded column with an unknown word; left empty."""
    return Fault(
        "warning",
        f"{field}_unknown",
        field,
        written[:12],
        f"{label}“{written[:12]}”不在对照表中，未采用",
        "请改用标准写法",
    )


def bad_cell(field: str, label: str, written: str, why: str) -> Fault:
    """An amount, month or count that cannot be read."""
    code = {"amount": "bad_amount", "start": "bad_month", "persons": "bad_count"}.get(field, "bad_income")
    level: Level = "error" if field in ("amount", "start") else "warning"
    return Fault(level, code, field, written[:20], f"{label}{why}", f"请核对{label}")


def household_differs(row: int) -> Fault:
    """Amount or account differ between two rows of one family."""
    return Fault(
        "error", "household_differs", "amount", "", f"同一户的金额或账号与第 {row} 行不一致", "请统一后重新导入"
    )


def account_missing() -> Fault:
    """On the roll without an account; the bank file will say so."""
    return Fault("warning", "account_missing", "account", "", "没有银行账号", "请补录账号，否则不能发放")


def account_damaged(written: str) -> Fault:
    """Not taken over: a wrong account pays a stranger."""
    shown = written if "E" in written.upper() else "*" * max(0, len(written) - 4) + written[-4:]
    return Fault(
        "warning",
        "account_damaged",
        "account",
        shown[:24],
        "银行账号被表格软件改坏或位数不对，未采用",
        "请把该列设为文本格式后重新导出",
    )


def account_luhn(masked: str) -> Fault:
    """Taken over: the bank decides."""
    return Fault("warning", "account_luhn", "account", masked, "银行卡号校验位不对，可能写错一位", "请对照银行卡核对")
