"""The story of `./run demo`: each chapter says what it did and why, and is skipped when it has been told before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuodi.decisions.models import Determination
from tuodi.demo import rolls
from tuodi.demo.family import HEAD, tell_family
from tuodi.demo.late import tell_changes
from tuodi.demo.live import tell_live
from tuodi.demo.months import pay_month
from tuodi.demo.staff import accounts, set_up_places, set_up_staff, user
from tuodi.demo.sweep import SMALL, tell_sweep
from tuodi.demo.waiting import tell_waiting
from tuodi.demo.week.cast import TODAY
from tuodi.demo.week.play import tell_week
from tuodi.demo.year.cast import REPLAYS, set_up
from tuodi.demo.year.play import tell_year
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.payments import queries
from tuodi.payments.models import PayRun
from tuodi.rules import load_book
from tuodi.rules.explain import Explanation
from tuodi.rules.library import cache_dir

__all__ = ["TODAY", "tell_only_sweep", "tell_story"]

FIRST, SECOND = Month(2017, 8), Month(2017, 9)

Tell = Callable[[str], None]


def tell_story(state: Path, tell: Tell) -> None:
    """Everything, in order. `state` is a folder of the demo's own.

    Raises: what the actions raise; a chapter is whole or not there.
    """
    tell("一、政策包")
    book = load_book(cache=cache_dir())
    values = sum(map(len, book.draft.values.values()))
    tell(f"  {len(book.programmes)} 个项目、{len(book.rules)} 条规则、{values} 个带日期和条款的值，校验通过")
    tell("二、地区、机构和人员")
    passwords = state / "accounts.txt"
    places = set_up_places()
    made = set_up_staff(passwords)
    tell(f"  新增地区 {places} 处，账号 {len(made)} 个")
    watching = {name: word for one in REPLAYS for name, word in set_up(one, passwords).items()}
    if made:
        labels = {a.username: a.name for a in accounts()}
        for name, word in made.items():
            tell(f"    {name:<14} {word:<18} {labels[name]}")
        for name, word in watching.items():
            tell(f"    {name:<14} {word:<18} 年度重放督查")
        silent = sum(not a.signs_in for a in accounts())
        tell(f"    另有 {silent} 个乡镇（街道）账号没有口令，要用时请系统管理员重置")
    tell(f"  账号和口令记在 {passwords}（仅本机本人可读）")
    tell(f"三、一个家庭：{HEAD}一家，荆门市东宝区，2017 年（民发〔2012〕220号的程序）")
    decided = tell_family(lambda text: tell(f"  {text}"))
    _why(decided, tell)
    tell("四、花名册：各县（市、区）报来的电子表格")
    files = rolls.make_files(state / "data", lambda text: tell(f"    {text}"))
    counted = rolls.bring_in(files, state / "待更正", tell)
    tell(
        f"  {counted.files} 个文件：上册 {counted.families:,} 户 {counted.rows:,} 人，月金额 {format_yuan(counted.amount_fen)} 元；"
        f"{counted.held:,} 行待更正，清单在 {state / '待更正'}"
    )
    tell(f"五、{FIRST} 发放（全市）")
    pay_month(FIRST, state / "银行" / str(FIRST), tell, close=True)
    tell("六、8 月得知的变化")
    tell_changes(tell)
    tell(f"七、{SECOND} 发放（全市）")
    run = pay_month(SECOND, state / "银行" / str(SECOND), tell, close=False)
    _totals(run, tell)
    tell("八、正在办的案件")
    tell_waiting(tell)
    tell("九、一户家庭的实时核对：从授权到报告")
    tell_live(state, tell)
    tell("十、大数据比对：2016 年 7 月至 2017 年 4 月，从登记文件到销号")
    tell_sweep(state, tell)
    tell("十一、8 月到 9 月 11 日的服务：窗口、手机、急难、巡查、动态管理、复议")
    tell_week(state, tell)
    tell("十二、一年重放：荆门 2017 年逐月，宽城、云南各半年，到年终结算")
    tell_year(state, tell, passwords=passwords)
    tell("十三、文件")
    tell(
        f"  花名册 {state / 'data' / 'rosters'}；待更正 {state / '待更正'}；代发和回盘 {state / '银行'}；"
        f"年度重放 {state / '年度重放'}；"
        f"核对报告 {state / '核对报告'}；登记 {state / 'data' / '登记'}"
    )


def tell_only_sweep(state: Path, tell: Tell, *, scale: float | None = None) -> None:
    """The sweep on the demo there is, or on a state of its own with the rosters brought in first.

    Args:
        scale: Share of the strangers' register rows; None = the story's.
    """
    set_up_places()
    set_up_staff(state / "accounts.txt")
    tell("花名册")
    files = rolls.make_files(state / "data", lambda text: tell(f"    {text}"))
    counted = rolls.bring_in(files, state / "待更正", lambda text: None)
    tell(f"  {counted.files} 个文件：上册 {counted.families:,} 户 {counted.rows:,} 人")
    tell("大数据比对")
    tell_sweep(state, tell, scale=scale or SMALL, asked=scale is not None)


def _why(decided: Determination, tell: Tell) -> None:
    with scope(user("dongbao-qr")):
        decided.refresh_from_db()
        explanation = Explanation.from_json(decided.explanation)
    tell(f"  为什么是 {format_yuan(decided.amount_fen or 0)} 元：")
    for key in (
        "dibao.standard[household.area_kind]",
        "dibao.n",
        "dibao.income",
        "dibao.percap",
        "dibao.income_below",
        "dibao.base",
    ):
        node = explanation.nodes.get(key)
        if node is not None:
            calc = f" ＝ {node.calc}" if node.calc and node.calc != node.value else ""
            unit = "" if node.unit == "是否" else f" {node.unit}"
            tell(f"    {node.label}：{node.value}{unit}{calc}　〔{node.instrument}〕")


def _totals(run: PayRun, tell: Tell) -> None:
    with scope(user("shi-bzf")):
        summary = queries.summary(run)
        tell(
            f"  {summary.households:,} 户 {summary.persons:,} 人 {format_yuan(summary.amount_fen)} 元；"
            f"上月 {summary.before_households:,} 户 {format_yuan(summary.before_fen)} 元，差 {format_yuan(summary.difference_fen, minus='−')} 元："
        )
        for cause in queries.difference_tree(run):
            tell(f"    {cause.label}：{cause.households:,} 户，{format_yuan(cause.amount_fen, minus='−')} 元")
        for town in queries.by_town(run, digits=6):
            tell(f"    {town.name}：{town.households:,} 户 {town.persons:,} 人 {format_yuan(town.amount_fen)} 元")
