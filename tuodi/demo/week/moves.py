"""迁移、分户、并户: families that move with their file, one that splits, two that become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tuodi.demo.week.cast import DESKS, acting, families_of, moment
from tuodi.demo.week.door import PAPERS
from tuodi.intake.application_actions import accept_application
from tuodi.monitoring import splits, transfers
from tuodi.monitoring.models import Transfer
from tuodi.people.queries import members_on

__all__ = ["moved", "split_and_merged"]

_D = date


@dataclass(frozen=True)
class _Move:
    """One move between two counters; `does`: proposed, sent, taken, done, refused, withdrawn."""

    out: int
    slot: int
    into: int
    day: date
    does: str
    reason: str = "随子女居住"


_MOVES = (
    _Move(2, 6, 7, _D(2017, 8, 22), "done"),
    _Move(5, 6, 0, _D(2017, 8, 23), "done", "进城务工，已租房一年"),
    _Move(7, 6, 1, _D(2017, 8, 28), "taken"),
    _Move(1, 7, 7, _D(2017, 9, 1), "sent"),
    _Move(6, 4, 0, _D(2017, 9, 4), "sent", "投靠女儿"),
    _Move(8, 5, 5, _D(2017, 9, 7), "proposed"),
    _Move(4, 3, 2, _D(2017, 8, 29), "refused"),
    _Move(9, 3, 6, _D(2017, 8, 30), "withdrawn", "原定搬迁，房子没有谈成"),
)


def moved() -> str:
    """Moves between counties in every state; two are done, file and all."""
    made = [row for row in (_move(one, at) for at, one in enumerate(_MOVES)) if row is not None]
    done = sum(row.state == Transfer.State.DONE for row in made)
    return f"跨乡镇、县迁移 {len(made)} 户，已带档案迁入并重新认定 {done} 户"


def _move(one: _Move, at: int) -> Transfer | None:
    old, new = DESKS[one.out], DESKS[one.into]
    found = families_of(old, "many", one.slot)
    if not found:
        return None
    with acting(old.review, moment(one.day, 9, at)) as officer:
        row = transfers.propose_transfer(
            found[0], to_region=new.village, moved_on=one.day - timedelta(10), address=f"{at + 1} 号楼 302 室",
            reason=one.reason, acting_user=officer,
        )  # fmt: skip
    if one.does == "withdrawn":
        with acting(old.review, moment(one.day + timedelta(2), 9, at)) as officer:
            return transfers.withdraw_transfer(row, why=one.reason, acting_user=officer)
    if one.does == "proposed":
        return row
    with acting(old.confirm, moment(one.day + timedelta(2), 10, at)) as officer:
        row = transfers.send_transfer(row, acting_user=officer)
    if one.does == "sent":
        return row
    with acting(new.review, moment(one.day + timedelta(7), 10, at)) as officer:
        if one.does == "refused":
            return transfers.refuse_transfer(row, why="所留住址没有这户人家，电话联系不上", acting_user=officer)
        row = transfers.take_transfer(
            row, note="已入户，租住属实，收入与移交一致", facts={"assets_ok": True}, acting_user=officer
        )
    if one.does == "taken":
        return row
    with acting(new.confirm, moment(one.day + timedelta(9), 11, at)) as officer:
        return transfers.confirm_transfer(row, reasons="符合迁入地规定", acting_user=officer)


def split_and_merged() -> str:
    """A grown child lives apart and applies for himself; an old man joins his neighbour."""
    desk, told = DESKS[7], []
    for home in families_of(desk, "many", 7):
        with acting(desk.review, moment(_D(2017, 9, 5), 10)) as officer:
            apart = members_on(home, _D(2017, 9, 5))[-1].person
            new, _report = splits.split_family(
                home, head=apart, reason="分开居住，各自开伙", acting_user=officer, facts={"assets_ok": True}
            )
        with acting(desk.accept, moment(_D(2017, 9, 6), 10)) as clerk:
            accept_application(
                acting_user=clerk, household=new, programme="dibao", reason="分户后单独申请",
                materials=dict.fromkeys(PAPERS, True),
            )  # fmt: skip
        told.append("分户一户，分出的成员单独申请")
    pair = families_of(desk, "one", 6, 2)
    if len(pair) == 2:
        with acting(desk.review, moment(_D(2017, 9, 7), 10)) as officer:
            splits.merge_families(
                pair[0], pair[1], reason="再婚，共同生活", acting_user=officer, relations={pair[1].head_id: "spouse"},
                facts={"assets_ok": True},
            )  # fmt: skip
        told.append("并户一户")
    return "；".join(told) + "，在册部分等待确认" if told else ""
