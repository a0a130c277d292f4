"""Two months of payments for the whole prefecture: calculated, checked, approved, sent, answered, settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from simulators.bank import answer_file
from tuodi.demo.staff import user
from tuodi.files import store
from tuodi.kernel import clock
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import scope
from tuodi.org.models import User
from tuodi.payments import actions, queries
from tuodi.payments.models import PayRun

__all__ = ["pay_month"]

Tell = Callable[[str], None]
_DONE = ("settled", "closed")


def pay_month(month: Month, folder: Path, tell: Tell, *, close: bool) -> PayRun:
    """Takes one month from the roll to the reconciled answer, from wherever an earlier run stopped."""
    days = [date(month.year, month.month, d) for d in (2, 4, 5, 6, 8, 9)]
    prepare, check, approve, send = (user(name) for name in ("shi-bzf", "shi-jy", "shi-sp", "shi-yh"))

    def act(day: date, who: User, work: Callable[[PayRun], object]) -> None:
        nonlocal run
        with clock.frozen(day), scope(who):
            run.refresh_from_db()
            work(run)
            run.refresh_from_db()

    with clock.frozen(days[0]), scope(prepare):
        run = actions.open_run(acting_user=prepare, place="4208", month=month)
    if run.state in _DONE:
        tell(f"  {month} 已发放：{run.lines:,} 户 {format_yuan(run.amount_fen)} 元（{run.no}）")
        return run
    if run.state in ("open", "calculated"):
        act(days[0], prepare, lambda r: actions.calculate(r, acting_user=prepare, tell=None))
        tell(
            f"  计算：{run.households:,} 户 {run.persons:,} 人 {format_yuan(run.amount_fen)} 元；暂缓 {run.held_lines:,} 行"
        )
        act(days[1], check, lambda r: actions.check(r, acting_user=check))
        passed = [c["label"] for c in run.checks if c["ok"]]
        tell(f"  校验：{len(passed)} 项通过（{'、'.join(passed[:4])} 等）")
    if run.state == "checked":
        act(days[2], approve, lambda r: actions.approve(r, acting_user=approve))
        tell(f"  审批：{approve.name}（编制 {prepare.name}，校验 {check.name}，三人分开）")
    if run.state in ("approved", "sent"):
        _bank(run, month, folder, tell, act, send, days)
        act(days[5], check, lambda r: actions.settle(r, acting_user=check))
    if close and run.state == "settled":
        act(days[5], approve, lambda r: actions.close(r, acting_user=approve))
    return run


def _bank(
    run: PayRun, month: Month, folder: Path, tell: Tell, act: Callable[..., None], send: User, days: list[date]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, bytes]] = []

    def files(r: PayRun) -> None:
        for batch in actions.make_bank_files(r, acting_user=send):
            content = store.open_plain(batch.file).read()
            (folder / batch.file.name).write_bytes(content)
            made.append((batch.file.name, content))

    def answers(r: PayRun) -> None:
        for name, content in made:
            answer = answer_file(content, seed=month.yyyymm, posted=days[4])
            (folder / f"回盘-{name}").write_bytes(answer)
            got = actions.import_return(r, acting_user=send, data=answer, name=f"回盘-{name}")
            if got.state != "applied":
                tell(f"  回盘被拒收：{got.faults[:3]}")

    act(days[3], send, files)
    tell(f"  代发文件 {len(made)} 个，在 {folder}")
    act(days[4], send, answers)
    with scope(send):
        totals = queries.status_totals(run)
    words = {"held": "暂缓", "paid": "到账", "failed": "失败", "unknown": "未知", "returned": "退回", "sent": "已送"}
    tell("  回盘：" + "，".join(f"{words.get(k, k)} {n:,} 笔 {format_yuan(fen)} 元" for k, (n, fen) in totals.items()))
