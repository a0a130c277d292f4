"""How the seven offices lay out their rosters: format, order and wording of columns, units, dates, merged cells."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LAYOUTS", "Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """One office's habit.

    Attributes:
        suffix: ``xlsx``, ``xls``, ``csv`` or ``txt``.
        columns: Field -> header, in order. ``_`` as field is a column nobody needs.
        banner: Lines above the header; ``{name}`` and ``{unit}`` are filled in.
        encoding, delimiter: Of text files.
        unit: ``yuan``, ``yuan_text`` (numbers as text) or ``wan``.
        dates: ``dash`` 2016-03, ``chinese`` 2016年3月, ``compact`` 201603, ``serial`` 42430, ``slash`` 2016/3/1.
        household: ``merged`` cells, ``blank`` below the first row, or ``repeat``.
        subtotals: A 小计 line after each town.
        pages: The header again after so many rows; 0 = never.
        cover: A first sheet with notes, so that the importer must ask which one.
        footer: Lines after the last row.
    """

    suffix: str
    columns: dict[str, str]
    banner: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    unit: str = "yuan"
    dates: str = "dash"
    household: str = "repeat"
    subtotals: bool = False
    pages: int = 0
    cover: bool = False
    footer: tuple[str, ...] = field(default=())


_SIGN = "制表人：张三    审核人：李四    负责人："

LAYOUTS = {
    "420802": Layout(
        "xlsx",
        {
            "seq": "序号", "town": "乡镇（街道）", "village": "村（社区）", "head_name": "户主姓名", "card_no": "低保证号",
            "persons": "保障人口", "name": "姓名", "id_no": "身份证号码", "sex": "性别", "birth": "出生日期",
            "relation": "与户主关系", "health": "健康状况", "disability": "残疾等级", "labour": "劳动能力",
            "income": "家庭收入", "amount": "户月保障金额", "grade": "保障类别", "bank": "开户银行",
            "account": "银行账号", "holder": "户名", "phone": "联系电话", "start": "起始年月", "form": "供养方式",
            "self_care": "自理能力", "remark": "备注",
        },
        banner=("{name}", "填报单位：（盖章）        {unit}", ""),
        household="merged", subtotals=True, footer=("", _SIGN),
    ),
    "420804": Layout(
        "xlsx",
        {
            "seq": "编号", "town": "所属街道", "village": "居（村）委会", "card_no": "证件编号", "head_name": "户主",
            "relation": "家庭关系", "name": "成员姓名", "sex": "性别", "id_no": "公民身份号码", "phone": "手机号",
            "persons": "享受人数", "amount": "救助金额(元/月)", "income": "家庭总收入(元)", "start": "享受起始时间",
            "bank": "发放银行", "account": "卡（折）号", "health": "身体状况", "grade": "类别", "form": "供养形式",
            "self_care": "生活自理能力", "birth": "出生年月日", "labour": "劳动能力状况", "disability": "残疾", "remark": "说明",
        },
        banner=("{name}", ""), unit="yuan_text", dates="chinese", household="blank", footer=("",),
    ),
    "4208Z1": Layout(
        "csv",
        {
            "card_no": "家庭编号", "town": "镇", "village": "村", "head_name": "户主姓名", "name": "姓名", "id_no": "身份证号",
            "relation": "关系", "sex": "性别", "birth": "出生日期", "persons": "保障人数", "income": "家庭收入",
            "amount": "月保障金", "bank": "银行", "account": "账号", "start": "起始月", "health": "健康状况",
            "disability": "残疾等级", "labour": "劳动能力", "grade": "类别", "form": "供养方式", "self_care": "自理情况",
            "phone": "电话", "remark": "备注",
        },
        encoding="utf-8-sig", dates="compact",
    ),
    "420821": Layout(
        "xls",
        {
            "seq": "序号", "town": "乡镇", "village": "村组", "card_no": "保障证号", "persons": "保障人数",
            "head_name": "户主", "name": "保障对象姓名", "id_no": "身份证", "sex": "性别", "relation": "与户主关系",
            "health": "健康状况", "labour": "劳动能力", "disability": "残疾程度", "income": "家庭收入（元）",
            "amount": "月补助金额（元）", "bank": "开户行", "account": "存折（卡）号", "start": "纳入时间", "grade": "档次",
            "form": "供养方式", "self_care": "自理能力", "phone": "联系方式", "remark": "备注",
        },
        banner=("{name}", "{unit}"), dates="serial", household="merged", subtotals=True, footer=(_SIGN,),
    ),
    "420822": Layout(
        "csv",
        {
            "town": "乡镇名称", "village": "村名称", "card_no": "户编号", "head_name": "户主姓名", "persons": "家庭人口",
            "name": "家庭成员姓名", "id_no": "证件号码", "relation": "与户主关系", "sex": "性别", "birth": "出生日期",
            "grade": "保障类别", "income": "家庭收入", "amount": "户保障金", "start": "批准时间", "account": "银行帐号",
            "bank": "开户银行名称", "health": "健康状况", "disability": "残疾等级", "labour": "劳动能力", "form": "供养方式",
            "self_care": "自理能力", "phone": "联系电话", "remark": "备注",
        },
        banner=("{name}", "{unit}"), encoding="gb18030", dates="slash",
    ),
    "420881": Layout(
        "xlsx",
        {
            "seq": "序号", "town": "乡（镇、场）", "village": "村（居）", "card_no": "低保证编号", "head_name": "户主姓名",
            "_": "救助对象类型", "name": "姓名", "id_no": "身份证号码", "relation": "称谓", "sex": "性别", "birth": "出生年月",
            "persons": "保障人口数", "health": "身体状况", "disability": "残疾级别", "labour": "劳动能力",
            "income": "家庭收入(万元)", "amount": "月保障金额(万元)", "grade": "保障类别", "bank": "代发银行",
            "account": "银行卡号", "holder": "账户名", "start": "开始享受日期", "form": "供养方式", "self_care": "自理能力",
            "phone": "联系电话", "remark": "备注",
        },
        banner=("{name}", "", "{unit}", ""), unit="wan", dates="date", household="merged", pages=500, cover=True,
        footer=("", _SIGN),
    ),
    "4208Z2": Layout(
        "txt",
        {
            "seq": "序号", "town": "办事处", "village": "社区（村）", "card_no": "证号", "name": "姓名", "head_name": "户主姓名",
            "relation": "与户主关系", "id_no": "身份证号", "sex": "性别", "birth": "出生日期", "persons": "保障人口",
            "income": "家庭收入", "amount": "保障金额", "account": "账号", "bank": "开户行", "start": "起始年月",
            "health": "健康状况", "disability": "残疾等级", "labour": "劳动能力", "grade": "类别", "form": "供养方式",
            "self_care": "自理能力", "phone": "电话", "remark": "备注",
        },
        banner=("{name}",), encoding="gb18030", delimiter="\t", dates="dash", subtotals=True,
    ),
}  # fmt: skip
