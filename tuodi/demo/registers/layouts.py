"""How each department hands its register over: carrier, code page, columns and their wording, dates, banner and footer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LAYOUTS", "Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """One department's habit.

    Attributes:
        carrier: ``text``, ``fixed``, ``xlsx``, ``xls``, ``json`` or ``xml``.
        suffix: Of the file.
        profile: The product's profile that reads it; kept in step by the test that imports every file.
        columns: Logical column -> header. The number is ``id_text``, the name ``name_text``.
        widths: Of fixed-width columns, in bytes of the code page.
        dates: ``compact`` 20170401, ``slash`` 2017/4/1, ``dash`` 2017-04-01, ``chinese`` 2017年4月1日, ``serial`` 42826.
        banner, footer: Lines around the table; ``{rows}`` and ``{as_of}`` are filled in.
        numbers: Columns written as numbers into workbooks and JSON.
    """

    carrier: str
    suffix: str
    profile: str
    columns: dict[str, str]
    encoding: str = "gb18030"
    delimiter: str = ","
    widths: tuple[int, ...] = ()
    dates: str = "dash"
    banner: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


LAYOUTS: dict[str, Layout] = {
    "vehicle": Layout(
        "text", "txt", "vehicle",
        {
            "plate": "号牌号码", "vehicle_kind": "车辆类型", "brand": "品牌型号", "registered_on": "初次登记日期",
            "vehicle_state": "机动车状态", "name_text": "所有人", "id_text": "身份证明号码", "value": "车辆价值",
        },
        delimiter="|", dates="compact", banner=("荆门市机动车登记信息 数据截至{as_of}",), footer=("合计 {rows} 条",),
    ),
    "estate": Layout(
        "text", "csv", "jingmen-estate",
        {
            "cert_no": "不动产权证号", "name_text": "权利人", "id_text": "证件号码", "use": "用途", "area": "建筑面积",
            "registered_on": "登记日期", "share": "份额", "estate_state": "权属状态", "address": "坐落",
        },
        dates="slash", banner=("荆门市不动产登记信息 数据日期：{as_of}",), footer=("共 {rows} 条",),
    ),
    "business": Layout(
        "json", "json", "jingmen-business",
        {
            "uscc": "统一社会信用代码", "company": "名称", "entity_kind": "市场主体类型", "name_text": "姓名",
            "id_text": "身份证号", "role": "职务", "capital_wan": "注册资本", "registered_on": "成立日期",
            "business_state": "登记状态",
        },
        encoding="utf-8",
    ),
    "fiscal": Layout(
        "xlsx", "xlsx", "fiscal",
        {
            "unit": "单位名称", "name_text": "姓名", "id_text": "身份证号码", "post": "岗位", "payroll_kind": "人员类别",
            "payroll_state": "人员状态",
            "salary": "月工资", "pay_month": "工资月份",
        },
        banner=("荆门市财政供养人员名册",), footer=("共 {rows} 人",), numbers=("salary",),
    ),
    "fiscal_kin": Layout(
        "xls", "xls", "jingmen-fiscal-kin",
        {
            "staff_no": "人员编号", "staff_name": "职工姓名", "staff_unit": "工作单位", "staff_state": "职工状态",
            "kin_relation": "亲属关系", "name_text": "亲属姓名", "id_text": "亲属身份证号",
        },
        banner=("财政供养人员家庭成员登记表",),
    ),
    "social_insurance": Layout(
        "fixed", "dat", "jingmen-social-insurance",
        {
            "insured_no": "个人编号", "id_text": "身份证号", "name_text": "姓名", "pension_kind": "险种",
            "insured_state": "参保状态", "payment_base": "缴费基数", "months_paid": "年内缴费月数",
            "monthly_pension": "月养老金", "insured_unit": "参保单位", "insurer": "经办机构",
        },
        widths=(18, 40, 40, 24, 12, 14, 6, 14, 30, 24),
    ),
    "housing_fund": Layout(
        "text", "csv", "jingmen-housing-fund",
        {
            "fund_no": "个人账号", "fund_unit": "单位名称", "name_text": "姓名", "id_text": "证件号码", "fund_base": "缴存基数",
            "fund_monthly": "月缴存额", "fund_balance": "缴存余额", "fund_state": "账户状态", "last_paid": "缴至年月",
        },
        encoding="utf-8-sig",
    ),
    "tax": Layout(
        "xml", "xml", "jingmen-tax",
        {
            "payer": "扣缴义务人", "name_text": "姓名", "id_text": "证件号码", "tax_item": "所得项目", "taxable": "收入额",
            "tax_paid": "已缴税额", "tax_period": "税款所属期",
        },
        encoding="utf-8",
    ),
    "cremation": Layout(
        "xlsx", "xlsx", "cremation",
        {
            "cremation_no": "火化证号", "name_text": "逝者姓名", "id_text": "身份证号码", "cremated_on": "火化日期",
            "place": "殡仪馆",
        },
        dates="serial",
    ),
    "hukou": Layout(
        "text", "txt", "hukou",
        {
            "household_no": "户号", "name_text": "姓名", "former_name": "曾用名", "id_text": "公民身份号码",
            "hukou_relation": "与户主关系", "hukou_status": "户籍状态", "death_date": "死亡日期", "address": "户籍地址",
        },
        delimiter="|", dates="compact",
    ),
    "bank_deposit": Layout(
        "text", "txt", "jingmen-bank-deposit",
        {
            "bank": "开户银行", "account_tail": "账号末四位", "name_text": "户名", "id_text": "证件号码", "balance": "余额",
            "balance_period": "余额日期",
        },
        delimiter="|", dates="chinese", footer=("共 {rows} 条",),
    ),
}  # fmt: skip
