"""What stands in a row, as text of the department's own: plates, certificates, states, sums. One function a register.

A row's ``i`` is all it follows from, so the same ``i`` written twice is a true duplicate. ``planted`` is null for strangers;
for people of the roll it says what the row has to be (see ``kinds``). Dates stay dates here; the layout prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from tuodi.demo.registers.chance import below, days, picked, weighted

__all__ = ["CONTENT", "columns"]

Content = Callable[[int], dict[str, pl.Expr]]

_I = pl.col("i")
_ROLE = pl.col("planted").fill_null("")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXY"
_CODES = "0123456789ABCDEFGHJKLMNPQRTUWXY"
#: Roles whose row is alive and, but for the reason in its name, a clue.
_LIVE = ("true", "false", "bad_check", "name_conflict", "unconsented")


def _is(*roles: str) -> pl.Expr:
    return _ROLE.is_in(roles)


def _by_role(rules: Sequence[tuple[pl.Expr, pl.Expr]], otherwise: pl.Expr) -> pl.Expr:
    out = otherwise
    for test, value in reversed(rules):
        out = pl.when(test).then(value).otherwise(out)
    return out


def _padded(number: pl.Expr, width: int) -> pl.Expr:
    return number.cast(pl.String).str.zfill(width)


def _cents(fen: pl.Expr) -> pl.Expr:
    return (fen // 100).cast(pl.String) + "." + _padded(fen % 100, 2)


def _wan(yuan: pl.Expr) -> pl.Expr:
    """Yuan as 万元 with four places."""
    return (yuan // 10_000).cast(pl.String) + "." + _padded(yuan % 10_000, 4)


def _written(number: pl.Expr, letters: str, width: int) -> pl.Expr:
    """A number in another base, fixed width."""
    base, out = len(letters), pl.lit("")
    table = pl.lit(pl.Series(list(letters)))
    for place in range(width - 1, -1, -1):
        out = out + table.gather((number // base**place) % base)
    return out


def _credit_code(number: pl.Expr) -> pl.Expr:
    """A unified social credit code (GB 32100-2015) of the area 420899 for each number below 10^8, both checks right."""
    digits = [number // 10 ** (7 - at) % 10 for at in range(8)]
    unit = sum(weight * digit for weight, digit in zip((3, 7, 9, 10, 5, 8, 4, 2), digits, strict=True)) % 11
    unit = (11 - unit) % 11  # 10 is written X, whose place in the alphabet of the whole code is 29
    head = [9, 2, 4, 2, 0, 8, 9, 9]
    values = [*map(pl.lit, head), *digits, pl.when(unit == 10).then(29).otherwise(unit)]
    whole = sum(3**at % 31 * value for at, value in enumerate(values))
    check = pl.lit(pl.Series(list(_CODES))).gather((31 - whole % 31) % 31)
    mark = pl.lit(pl.Series(list("0123456789X"))).gather(unit)
    return pl.lit("92420899") + _padded(number, 8) + mark + check


def _vehicle(seed: int) -> dict[str, pl.Expr]:
    # One to one from i to the five characters of a plate: 31^5 of them, and a step that has no factor in common.
    plate = pl.lit("鄂H") + _written((_I * 7_368_787 + seed) % 31**5, _CODES, 5)
    kind = _by_role(
        [
            (_is("exempt"), pl.lit("残疾人专用汽车")),
            (
                _is(*_LIVE, "stale"),
                weighted(_I, seed, "kind", (("小型轿车", 60), ("小型普通客车", 14), ("轻型普通货车", 12), ("普通二轮摩托车", 14))),
            ),
        ],
        weighted(
            _I, seed, "kind-all",
            (("小型轿车", 52), ("小型普通客车", 9), ("轻型普通货车", 8), ("重型普通货车", 3), ("普通二轮摩托车", 24),
             ("残疾人专用汽车", 1), ("大型轮式拖拉机", 3)),
        ),
    )  # fmt: skip
    state = _by_role(
        [
            (_is(*_LIVE, "exempt"), pl.lit("正常")),
            (_is("stale"), picked(_I, seed, "gone", ("报废", "注销", "转移登记"))),
        ],
        weighted(_I, seed, "state", (("正常", 88), ("逾期未检验", 4), ("报废", 3), ("注销", 3), ("转出", 2))),
    )
    return {
        "plate": plate,
        "vehicle_kind": kind,
        "brand": picked(_I, seed, "brand", ("东风牌EQ6400", "五菱牌LZW6430", "大众牌SVW7167", "长安牌SC1022", "宗申牌ZS125", "豪爵牌HJ125", "哈弗牌CC6460")),
        "registered_on": days(_I, seed, "since", pl.lit(date(2004, 1, 1)), 4_800),
        "vehicle_state": state,
        "value": (below(_I, seed, "value", 11_500) * 10 + 3_000).cast(pl.String),
    }  # fmt: skip


def _estate(seed: int) -> dict[str, pl.Expr]:
    single = pl.col("part") < 0
    use = _by_role(
        [
            (_is(*_LIVE) & single, weighted(_I, seed, "use", (("商业服务", 55), ("办公", 8), ("住宅", 37)))),
            (_is(*_LIVE), pl.lit("住宅")),
            (_is("stale"), weighted(_I, seed, "use-gone", (("住宅", 80), ("商业服务", 20)))),
            (_is("exempt"), weighted(_I, seed, "use-own", (("住宅", 86), ("车库", 8), ("储藏室", 6)))),
        ],
        weighted(_I, seed, "use-all", (("住宅", 84), ("商业服务", 6), ("办公", 2), ("车库", 5), ("储藏室", 3))),
    )
    # A single dwelling is a clue only if it was bought within the year; a family's own home is old.
    old = days(_I, seed, "since", pl.lit(date(1998, 3, 1)), 6_200)
    new = days(_I, seed, "since-new", pl.lit(date(2016, 8, 1)), 240)
    bought = _is(*_LIVE) & single & (use == "住宅")
    state = _by_role(
        [(_is(*_LIVE, "exempt"), pl.lit("现势")), (_is("stale"), picked(_I, seed, "gone", ("注销", "历史")))],
        weighted(_I, seed, "state", (("现势", 90), ("注销", 4), ("历史", 6))),
    )
    size = pl.when(use.is_in(["车库", "储藏室"])).then(below(_I, seed, "small", 2_000) + 600)
    return {
        "cert_no": pl.lit("鄂(2016)荆门市不动产权第") + _padded(_I, 8) + "号",
        "use": use,
        "area": _cents(size.otherwise(below(_I, seed, "area", 9_500) + 4_200)),
        "registered_on": pl.when(bought).then(new).otherwise(old),
        "estate_state": state,
        "share": weighted(_I, seed, "share", (("1", 78), ("0.5", 18), ("0.3333", 4))),
        "address": pl.lit("荆门市") + picked(_I, seed, "street", ("象山大道", "长宁大道", "月亮湖路", "虎牙关大道", "白云大道", "郢中镇承天大道")) + (below(_I, seed, "door", 300) + 1).cast(pl.String) + "号",
    }  # fmt: skip


def _business(seed: int) -> dict[str, pl.Expr]:
    kind = _by_role(
        [(_is("exempt"), pl.lit("农民专业合作社"))],
        weighted(_I, seed, "kind", (("个体工商户", 72), ("有限责任公司", 28))),
    )
    role = _by_role(
        [
            (_is("exempt"), picked(_I, seed, "board", ("监事", "董事"))),
            (kind == "个体工商户", pl.lit("经营者")),
            (_is(*_LIVE), weighted(_I, seed, "role-live", (("法定代表人", 45), ("股东", 55)))),
        ],
        weighted(_I, seed, "role", (("法定代表人", 35), ("股东", 45), ("监事", 14), ("董事", 6))),
    )
    state = _by_role(
        [(_is(*_LIVE, "exempt"), pl.lit("存续")), (_is("stale"), picked(_I, seed, "gone", ("注销", "吊销")))],
        weighted(_I, seed, "state", (("存续", 80), ("注销", 13), ("吊销", 5), ("迁出", 2))),
    )
    trade = picked(
        _I,
        seed,
        "trade",
        ("副食店", "五金经营部", "餐馆", "农资经营部", "理发店", "建材有限公司", "运输服务部", "养殖场"),
    )
    return {
        "uscc": _credit_code(_I),
        "company": pl.lit("荆门市") + picked(_I, seed, "district", ("东宝区", "掇刀区", "钟祥市", "京山县", "沙洋县")) + picked(_I, seed, "word", ("鑫源", "惠民", "长宁", "象山", "宏达", "福满")) + trade,
        "entity_kind": kind,
        "role": role,
        "capital_wan": _wan(below(_I, seed, "capital", 500) * 1_000 + 10_000),
        "registered_on": days(_I, seed, "since", pl.lit(date(2001, 1, 1)), 5_700),
        "business_state": state,
    }  # fmt: skip


_UNITS = (
    "荆门市东宝区教育局", "荆门市第一人民医院", "掇刀区财政局", "钟祥市水务局", "京山县农业局", "沙洋县林业局",
    "荆门市公路管理局", "钟祥市郢中街道办事处", "京山县中等职业学校", "荆门市疾病预防控制中心",
)  # fmt: skip


def _fiscal(seed: int) -> dict[str, pl.Expr]:
    state = _by_role(
        [
            (_is(*_LIVE), pl.lit("正常")),
            (_is("stale"), picked(_I, seed, "gone", ("调出", "辞职", "停发"))),
        ],
        weighted(_I, seed, "state", (("正常", 95), ("调出", 2), ("辞职", 1), ("死亡", 2))),
    )
    return {
        "unit": picked(_I, seed, "unit", _UNITS),
        "post": picked(_I, seed, "post", ("专业技术", "管理", "工勤")),
        "payroll_kind": weighted(_I, seed, "kind", (("在职", 66), ("退休", 34))),
        "payroll_state": state,
        "salary": _cents(below(_I, seed, "salary", 520_000) + 180_000),
        "pay_month": pl.lit("201704"),
    }


def _fiscal_kin(seed: int) -> dict[str, pl.Expr]:
    state = _by_role(
        [
            (_is(*_LIVE), picked(_I, seed, "on", ("在职", "退休"))),
            (_is("stale"), picked(_I, seed, "gone", ("调出", "辞职"))),
        ],
        weighted(_I, seed, "state", (("在职", 64), ("退休", 33), ("调出", 2), ("辞职", 1))),
    )
    return {
        "staff_no": pl.lit("RY") + _padded(_I, 10),
        "staff_name": weighted(_I, seed, "staff-surname", (("李", 8), ("王", 7), ("张", 7), ("刘", 6), ("陈", 6), ("杨", 4))) + picked(_I, seed, "staff-given", ("建国", "红", "志强", "秀兰", "伟", "丽", "明华", "桂英")),
        "staff_unit": picked(_I, seed, "unit", _UNITS),
        "staff_state": state,
        "kin_relation": picked(_I, seed, "relation", ("配偶", "子女", "父母")),
    }  # fmt: skip


def _social_insurance(seed: int) -> dict[str, pl.Expr]:
    resident = _is("harmless")
    employee = _is("stale", *_LIVE)
    kind = _by_role(
        [(resident, pl.lit("城乡居民基本养老保险")), (employee, pl.lit("企业职工基本养老保险"))],
        weighted(_I, seed, "kind", (("城乡居民基本养老保险", 55), ("企业职工基本养老保险", 38), ("机关事业养老", 7))),
    )
    drawing = below(_I, seed, "drawing", 100) < 34
    state = _by_role(
        [
            (_is("stale"), picked(_I, seed, "gone", ("暂停参保", "终止参保"))),
            (resident, pl.when(drawing).then(pl.lit("正常发放")).otherwise(pl.lit("参保缴费"))),
            (employee, pl.lit("参保缴费")),
        ],
        pl.when(drawing)
        .then(pl.lit("正常发放"))
        .otherwise(weighted(_I, seed, "state", (("参保缴费", 88), ("暂停参保", 9), ("终止参保", 3)))),
    )
    paying = state == "参保缴费"
    base = (
        pl.when(paying & (kind != "城乡居民基本养老保险")).then(below(_I, seed, "base", 380_000) + 261_000).otherwise(0)
    )
    pension = (
        pl.when(state != "正常发放").then(0)
        .when(kind == "城乡居民基本养老保险").then(below(_I, seed, "basic", 4_000) + 8_000)
        .otherwise(below(_I, seed, "pension", 250_000) + 120_000)
    )  # fmt: skip
    return {
        "insurer": pl.lit("荆门市社会保险局"),
        "insured_no": pl.lit("42089") + _padded(_I, 11),
        "insured_unit": pl.when(kind == "城乡居民基本养老保险").then(pl.lit("")).otherwise(picked(_I, seed, "unit", ("荆门热电厂", "宏图特种飞行器", "金龙泉啤酒", "葛洲坝水泥", "凯龙化工", "灵活就业人员"))),
        "pension_kind": kind,
        "insured_state": state,
        "payment_base": _cents(base),
        "months_paid": pl.when(paying).then(below(_I, seed, "months", 12) + 1).otherwise(0).cast(pl.String),
        "monthly_pension": _cents(pension),
    }  # fmt: skip


def _housing_fund(seed: int) -> dict[str, pl.Expr]:
    closed = _is("stale") | (_ROLE.eq("") & (below(_I, seed, "closed", 100) < 12))
    base = below(_I, seed, "base", 500_000) + 180_000
    return {
        "fund_no": pl.lit("GJJ") + _padded(_I, 10),
        "fund_unit": picked(_I, seed, "unit", _UNITS),
        "fund_base": _cents(pl.when(closed).then(0).otherwise(base)),
        "fund_monthly": _cents(pl.when(closed).then(0).otherwise(base * 24 // 100)),
        "fund_balance": _cents(below(_I, seed, "balance", 4_000_000)),
        "fund_state": pl.when(closed).then(picked(_I, seed, "gone", ("封存", "销户"))).otherwise(pl.lit("正常")),
        "last_paid": pl.when(closed).then(pl.lit("201412")).otherwise(pl.lit("201704")),
    }


def _tax(seed: int) -> dict[str, pl.Expr]:
    nothing = _is("harmless")
    income = pl.when(nothing).then(0).otherwise(below(_I, seed, "income", 9_000_000) + 100_000)
    return {
        "tax_period": weighted(_I, seed, "period", (("201703", 50), ("201702", 30), ("201701", 20))),
        "tax_item": weighted(
            _I, seed, "item", (("工资薪金所得", 82), ("劳务报酬所得", 12), ("个体工商户生产经营所得", 6))
        ),
        "taxable": _cents(income),
        "tax_paid": _cents(income * 3 // 100),
        "payer": picked(_I, seed, "payer", ("荆门热电厂", "金龙泉啤酒", "凯龙化工", "东光电气", "新洋丰肥业")),
    }


def _cremation(seed: int) -> dict[str, pl.Expr]:
    return {
        "cremation_no": pl.lit("HH") + _padded(_I, 9),
        "cremated_on": pl.coalesce(pl.col("on"), days(_I, seed, "on", pl.lit(date(2014, 1, 1)), 1_215)),
        "place": picked(_I, seed, "place", ("荆门市殡仪馆", "钟祥市殡仪馆", "京山县殡仪馆", "沙洋县殡仪馆")),
    }


def _hukou(seed: int) -> dict[str, pl.Expr]:
    gone = below(_I, seed, "gone", 1_000)
    state = (
        pl.when(_ROLE != "").then(pl.lit("正常"))
        .when(gone < 12).then(pl.lit("注销")).when(gone < 40).then(pl.lit("迁出")).otherwise(pl.lit("正常"))
    )  # fmt: skip
    died = days(_I, seed, "died", pl.lit(date(2010, 1, 1)), 2_670)
    return {
        "household_no": pl.lit("4208") + _padded(_I // 3, 9),
        "former_name": pl.lit(""),
        "hukou_status": state,
        "hukou_relation": weighted(_I, seed, "relation", (("户主", 34), ("妻", 22), ("子", 20), ("女", 16), ("其他", 8))),
        "death_date": pl.when(state == "注销").then(died).otherwise(None),
        "address": pl.lit("湖北省荆门市") + picked(_I, seed, "town", ("子陵铺镇", "团林铺镇", "后港镇", "胡集镇", "新市镇", "五里铺镇", "柴湖镇")),
    }  # fmt: skip


def _bank_deposit(seed: int) -> dict[str, pl.Expr]:
    small = below(_I, seed, "small", 480_000)
    large = below(_I, seed, "large", 9_000_000)
    return {
        "bank": pl.lit("荆门农村商业银行"),
        "account_tail": _padded(below(_I, seed, "tail", 10_000), 4),
        "balance": _cents(pl.when(_ROLE != "").then(small).otherwise(large)),
        "balance_period": pl.lit("2017年3月31日"),
    }


CONTENT: dict[str, Content] = {
    "vehicle": _vehicle,
    "estate": _estate,
    "business": _business,
    "fiscal": _fiscal,
    "fiscal_kin": _fiscal_kin,
    "social_insurance": _social_insurance,
    "housing_fund": _housing_fund,
    "tax": _tax,
    "cremation": _cremation,
    "hukou": _hukou,
    "bank_deposit": _bank_deposit,
}


def columns(kind: str, seed: int) -> list[pl.Expr]:
    """The columns of a register for a frame with ``i`` (Int64), ``planted``, ``part`` (Int64, −1 = single) and ``on`` (date)."""
    return [made.alias(name) for name, made in CONTENT[kind](seed).items()]
