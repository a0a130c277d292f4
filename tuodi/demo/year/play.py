"""The chapter: each replay month by month, what the months came to, the settled year, and the books that balance to the fen.

Every scene is one transaction that leaves a row of the log, and every step of a run starts from its state; so a chapter that is
killed goes on where it stopped, and one that was told changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.db.models import Sum

from tuodi.demo.week.cast import once
from tuodi.demo.year import hospitals, life, money
from tuodi.demo.year.bank import listening
from tuodi.demo.year.cast import JINGMEN, KUANCHENG, REPLAYS, YUNNAN, Replay, set_up
from tuodi.demo.year.months import Figures, figures, pay
from tuodi.demo.year.roster import bring_in
from tuodi.funds import queries
from tuodi.funds.models import PettySpend
from tuodi.funds.queries import YearFigure, sub_label
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.kernel.places import pad12
from tuodi.org.access import NATION, system_scope
from tuodi.payments import invariants

__all__ = ["scaled", "tell_year"]

Tell = Callable[[str], None]
#: Where 荆门's report stands, as its packs cite it; number and day of publication are invented.
_REPORT = {
    "doc_no": "荆门2017重放", "doc_title": "荆门市社会救助工作现状与建议（按报告所载数值重放；文号和公布日假设）",
}  # fmt: skip
#: Month -> consumer prices and food, per cent over the year before. All invented (假设).
_INDICES = {
    "y17": {Month(2017, 2): ("2.1", "6.4"), Month(2017, 3): ("0.9", "1.2"), Month(2017, 8): ("3.6", "4.0")},
    "y20": {Month(2020, 7): ("2.9", "9.8"), Month(2020, 8): ("2.6", "8.2"), Month(2020, 9): ("1.7", "5.1")},
    "y21": {},
}


def scaled(replay_: Replay, families: int) -> Replay:
    """The same place with another number of families."""
    return replace(replay_, families=families)


def tell_year(state: Path, tell: Tell, *, replays: Sequence[Replay] = REPLAYS, passwords: Path | None = None) -> None:
    """Plays every replay, and checks the whole ledger.

    Args:
        state: the demo's folder: the banks' books, exchange folder and tables go below it.
        passwords: file in which those who look over a place are noted with a password; None = nobody can sign in.
    """
    for one in replays:
        for username, word in set_up(one, passwords).items():
            tell(f"    {username:<14} {word:<18} {one.title} 督查")
        _tell_one(one, state / "年度重放" / one.key, tell)
    with system_scope(NATION):
        report = invariants.check()
    tell(f"  账务校验（全库）：凭证 {report.entries:,} 张，" + ("L1 至 L8 全部通过" if report.ok else str(report)))


def _tell_one(replay_: Replay, folder: Path, tell: Tell) -> None:
    tell(f"  {replay_.title}，{replay_.first.label}至{replay_.last.label}：")

    def say(text: str) -> None:
        tell(f"  {text.strip()}")

    def scene(name: str, play: Callable[[], Any], voice: Tell = say) -> None:
        once(f"{replay_.key}.{name}", play, lambda text: voice(f"  {text.strip()}"))

    scene("花名册", lambda: _roster(replay_, folder))
    rows: list[tuple[Month, Figures]] = []
    with listening(replay_, folder / "银行") as bank:
        for month in replay_.months:
            notes: list[str] = []

            def of_month(name: str, play: Callable[[], Any]) -> None:
                scene(f"{month}.{name}", play, notes.append)  # noqa: B023

            _before(replay_, month, folder, of_month)
            if replay_.key == "y17":
                hospitals.play(replay_, month, bank, of_month)
            run = pay(replay_, month, bank, tell=say)
            found = figures(replay_, run)
            rows.append((month, found))
            _month_line(month, run.lines, found, notes, say)
            with system_scope(replay_.place):
                report = invariants.check()
            if not report.ok:
                say(str(report))
    scene("年末", lambda: (money.settle(replay_), "")[1])
    _closing(replay_, rows, say)


def _roster(replay_: Replay, folder: Path) -> str:
    families, held = bring_in(
        replay_, range(1, replay_.families + 1), replay_.first - 8, replay_.entered, folder / "花名册"
    )
    return f"花名册 {families:,} 户在册，{held} 行待更正"


def _before(replay_: Replay, month: Month, folder: Path, scene: Callable[[str, Callable[[], Any]], None]) -> None:
    """What comes before a month's run: cash counted, money, plans, standards, indices, the month's changes."""
    first = replay_.first
    if month == first:
        scene("指标下达", lambda: money.appropriate(replay_, month))
        scene("备用金", lambda: money.open_town(replay_, month))
        if replay_.key == "y20":
            scene("照料标准", lambda: _care(replay_))
            scene("供养协议", lambda: life.agreements(replay_, month))
    else:
        scene("盘点", lambda: money.count(replay_, month))
    if replay_.key == "y17":
        if month == Month(2017, 7):
            scene("指标下达", lambda: money.appropriate(replay_, month))
        _jingmen(replay_, month, scene)
    before = month.prev()
    if before in _INDICES[replay_.key]:
        cpi, food = _INDICES[replay_.key][before]
        scene("价格指数", lambda: life.enter_index(replay_, before, cpi, food))
    scene("用款计划", lambda: money.month_plan(replay_, month))
    if (month.no - first.no) % 3 == 1:
        scene("先行救助", lambda: money.relieve(replay_, month))
        scene("新增家庭", lambda: _joined(replay_, month, folder))
    scene("变化", lambda: life.changes(replay_, month))
    if month == first + 7:
        scene("死亡办结", lambda: life.settle_deaths(replay_, date(month.year, month.month, 6)))
    if month == replay_.last:
        scene("调剂", lambda: money.transfer(replay_, month))
        scene("备用金交回", lambda: money.take_back(replay_, month))


def _joined(replay_: Replay, month: Month, folder: Path) -> str:
    """A short list of families found entitled, paid from the next month."""
    turn = (month.no - replay_.first.no) // 3
    begin = replay_.families + 1 + turn * 4
    families, _ = bring_in(
        replay_, range(begin, begin + 4), month.next(), date(month.year, month.month, 7), folder / "花名册"
    )
    return f"新增 {families} 户"


def _jingmen(replay_: Replay, month: Month, scene: Callable[[str, Callable[[], Any]], None]) -> None:
    """The rises of 2017: rural from January, published in February; urban and 五保 from April, published in June."""
    if month == Month(2017, 2):
        scene("农村提标", lambda: life.raise_standard(
            replay_, title="2017 年农村低保提标", effective=date(2017, 1, 1), published=date(2017, 2, 8), **_REPORT,
            values=[{"param": "dibao.standard", "keys": ["rural"], "value": "4500", "unit": "元/人·年", "locator": "一(一)"}],
        ))  # fmt: skip
    if month == Month(2017, 6):
        scene("城市提标", lambda: life.raise_standard(
            replay_, title="2017 年城市低保和农村五保提标", effective=date(2017, 4, 1), published=date(2017, 6, 8), **_REPORT,
            values=[
                {"param": "dibao.standard", "keys": ["urban"], "value": "575", "locator": "一(一)"},
                {"param": "tekun.basic", "keys": ["rural", ""], "value": "7512", "unit": "元/人·年", "locator": "一(一)"},
            ],
        ))  # fmt: skip


def _care(replay_: Replay) -> str:
    """云南 gives dispersed support to the caregiver, by agreement and without an amount: nothing comes with a person's own line."""
    amounts = dict.fromkeys(("complete_loss", "partial_loss", "able"), "0")
    return life.raise_standard(
        replay_, title="分散供养照料护理费改按协议付给照料服务人（假设）", effective=replay_.first.first_day, published=date(2020, 7, 6),
        doc_no="云南照料护理假设", doc_title="演示用的分散供养照料护理安排（来源没有数额）", hypothetical=True,
        values=[{"param": "tekun.care", "keys": ["dispersed", level], "value": fen} for level, fen in amounts.items()],
    )  # fmt: skip


def _month_line(month: Month, lines: int, found: Figures, notes: list[str], say: Tell) -> None:
    shown = [f"补发 {format_yuan(found.back_pay)}"] if found.back_pay else []
    shown += [f"扣回 {format_yuan(-found.offset)}"] if found.offset else []
    shown += [f"价格补贴 {format_yuan(found.price)}"] if found.price else []
    shown += [f"照料护理 {format_yuan(found.care)}"] if found.care else []
    shown += [f"渐退 {found.grace_lines} 户 {format_yuan(found.grace)}"] if found.grace_lines else []
    shown += [f"失败和退回 {found.returned} 笔、重发 {found.reissued} 笔"] if found.returned else []
    shown += [f"扣留 {found.withheld} 行"] if found.withheld else []
    shown += [f"退汇转回 {format_yuan(found.released)}"] if found.released else []
    more = f"（{'，'.join(shown)}）" if shown else ""
    say(f"  {month}：{lines:,} 行，到账 {found.lines:,} 行 {format_yuan(found.paid)} 元{more}")
    for note in notes:
        if note.strip():
            say(f"      {note.strip()}")


def year_rows(replay_: Replay) -> list[YearFigure]:
    """The year's figures of each sub-account."""
    with system_scope(replay_.place):
        return queries.year_figures(pad12(replay_.place), replay_.year)


def _closing(replay_: Replay, rows: list[tuple[Month, Figures]], say: Tell) -> None:
    with system_scope(replay_.place):
        settled = queries.settled(pad12(replay_.place), replay_.year)
    say(
        f"  年终结算 {replay_.year}（{settled.settled_at:%Y-%m-%d} 结算）：下达＋调入−调出＝已发＋年末结余，单位元"
        if settled
        else "  年终没有结算"
    )
    with system_scope(replay_.place):
        cash = PettySpend.objects.aggregate(n=Sum("amount_fen"))["n"] or 0
    total = dict.fromkeys(("got", "moved", "paid", "left", "off"), 0)
    for one in year_rows(replay_):
        moved = one.transferred_in - one.transferred_out
        if not (one.appropriated or moved or one.paid or one.closing):
            continue  # what families owe stands without a source and holds no money
        say(
            f"    {sub_label(one.programme, one.source)}：下达 {format_yuan(one.appropriated)}，调剂 {format_yuan(moved, minus='−')}，"
            f"已发 {format_yuan(one.paid)}，结余 {format_yuan(one.closing)}，差 {format_yuan(one.off)}"
        )
        for name, fen in zip(total, (one.appropriated, moved, one.paid, one.closing, one.off), strict=True):
            total[name] += fen
    say(
        f"    合计：下达 {format_yuan(total['got'])}＝已发 {format_yuan(total['paid'])}＋结余 {format_yuan(total['left'])}，"
        f"差 {format_yuan(total['got'] + total['moved'] - total['paid'] - total['left'])}；"
        f"到户 {format_yuan(sum(one.paid for _, one in rows))}，现金 {format_yuan(cash)}，"
        f"医院和征收机构（减退回） {format_yuan(total['paid'] - cash - sum(one.paid for _, one in rows))}"
    )


__all__ += ["JINGMEN", "KUANCHENG", "YUNNAN", "year_rows"]
