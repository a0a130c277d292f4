"""The scenes of the week, in their order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tuodi.demo.family import HEAD
from tuodi.demo.week import care, casework, door, found, moves, online, papers, roll, urgent, voices
from tuodi.demo.week.cast import Tell, once, pick
from tuodi.kernel.identity import make_id

__all__ = ["RESIDENT", "SCENES", "tell_week"]

#: Number and name of the resident a newcomer signs in as: the head of the family of chapter three.
RESIDENT = (make_id("420899", date(1970, 5, 12), 12), HEAD)

SCENES = (
    ("pick", pick),
    ("visitors", door.visitors),
    ("calls", door.calls),
    ("roster", door.roster),
    ("in_every_step", casework.in_every_step),
    ("refusals", casework.refusals),
    ("objections", casework.objections),
    ("from_phones", online.from_phones),
    ("emergencies", urgent.emergencies),
    ("at_risk", found.at_risk),
    ("patrols", found.patrols),
    ("discoveries", found.discoveries),
    ("alarms", urgent.alarms),
    ("assessments", care.assessments),
    ("agreements", care.agreements),
    ("changes", roll.changes),
    ("jobs", roll.jobs),
    ("deaths", roll.deaths_told),
    ("moves", moves.moved),
    ("splits", moves.split_and_merged),
    ("reviews", roll.reviews),
    ("classes", roll.classes),
    ("delivered", roll.delivered),
    ("residents", voices.residents),
    ("ratings", voices.rated),
    ("complaints", voices.complaints_made),
    ("appeals", voices.appeals_filed),
    ("case_file", papers.case_file),
    ("exports", papers.exports_asked),
)


#: Where to look, and as whom.
_WHERE = (
    ("jiedao-sl", "一门受理 /needs/、工单 /tickets/、手机申请 /online/、救急难 /emergencies/"),
    (
        "jiedao-sh",
        "案件 /cases/、公示 /notices/、巡查 /patrols/、定期核查 /reviews-due/、变化 /changes/、死亡减员 /deaths/",
    ),
    ("dongbao-qr", "审批 /cases/、迁移 /moves/、拒绝就业 /job-refusals/、五类三层 /classes/"),
    ("dongbao-ts", "投诉 /complaints/、好差评 /ratings/；复议 /appeals/ 由 shi-fy 办"),
    ("wg-420802001001", "网格员手机：我的巡查 /patrols/mine/"),
)


def tell_week(state: Path, tell: Tell) -> None:
    """Plays every scene that has not been played, and says where to look. `state` is the demo's folder."""
    for name, play in SCENES:
        once(name, play, tell)
    for account, pages in _WHERE:
        tell(f"    {account:<16} {pages}")
    number, name = RESIDENT
    line = f"居民手机 /my/：{name}，证件号码 {number}（虚构）；验证码不发往真手机，由 guanli 在“消息” /outbox/ 看"
    tell(f"    {line}")
    note(
        state / "accounts.txt",
        f"/my/\t{number}\t居民 {name}（用姓名、证件号码和验证码登录，验证码在 guanli 的“消息”页）",
    )


def note(accounts: Path, line: str) -> None:
    """Adds a line to the list of accounts, once."""
    if accounts.exists() and line not in accounts.read_text(encoding="utf-8").splitlines():
        with accounts.open("a", encoding="utf-8") as sink:
            sink.write(f"{line}\n")
