"""The ten months before the demo's first roster, as the offices hand them in afterwards: families that had left, members
of that time, and the 444,646 payment rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tuodi.decisions.rosters import end_entries
from tuodi.demo import generator, rolls
from tuodi.demo.registers import Registers
from tuodi.demo.staff import user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.monitoring.history import add_history
from tuodi.monitoring.models import PaymentHistory
from tuodi.org.access import scope, system_scope
from tuodi.people.bulk import NewPerson, known_people
from tuodi.people.models import Membership
from tuodi.people.past import PastMember, carry_back, enter_past_members, record_past_deaths

__all__ = ["FIRST", "LAST", "Known", "bring_past", "departed_roster"]

FIRST, LAST = Month(2016, 7), Month(2017, 4)
#: The day the lists of the ten months are handed in.
HANDED = date(2017, 5, 2)
_PLACE = "4208"
_REASONS = {"死亡": "death", "结婚迁出": "married", "就业迁出": "moved"}
_RELATIONS = {
    "户主": "self", "本人": "self", "配偶": "spouse", "之子": "child", "之女": "child", "父亲": "parent", "母亲": "parent",
    "孙子": "grandchild", "孙女": "grandchild",
}  # fmt: skip

Tell = Callable[[str], None]


@dataclass
class Known:
    """Where the truth's people and households are in the database."""

    persons: dict[int, int] = field(default_factory=dict)  #: person_no -> id
    households: dict[int, tuple[int, str, str]] = field(default_factory=dict)  #: household_no -> (id, number, region)


def departed_roster(data: Path) -> Path:
    """The list of the families that had left; made with the rosters, or now where an older demo lacks it."""
    folder = data / "departed"
    if not folder.exists():
        generator.generate(data)
    return next(folder.glob("*.csv"))


def bring_past(data: Path, made: Registers, true_homes: set[int], tell: Tell) -> Known:
    """Brings in what is not there yet and finds everybody. Told twice, it changes nothing more.

    Args:
        true_homes: Households (numbers of the truth) that were still paid when the sweep began; their entries stay open.
    """
    with system_scope(_PLACE):
        done = PaymentHistory.objects.filter(file_name__startswith=_NAME).exists()
    truth = data / "truth"
    people = pl.read_parquet(truth / "persons.parquet")
    homes = pl.read_parquet(truth / "households.parquet").filter(pl.col("first") <= LAST.yyyymm)
    if not done:
        clerk = user("shi-dr")
        rolls.bring_one(departed_roster(data), data.parent / "待更正", clerk, HANDED)
    known = _known(people)
    if done:
        tell("  历史名册、成员和发放明细已补录")
        return known
    with clock.frozen(HANDED), scope(user("shi-dr")):
        clerk = user("shi-dr")
        here = people.filter(pl.col("person_no").is_in(list(known.persons)))
        changed = carry_back(
            {known.persons[no]: _day(since) for no, since in here.select("person_no", "since").iter_rows()},
            place=_PLACE, acting_user=clerk,
        )  # fmt: skip
        gone = homes.filter(pl.col("until") <= 201708)
        deaths = here.filter(pl.col("household_no").is_in(gone["household_no"].to_list()), pl.col("died") < HANDED)
        record_past_deaths(
            {known.persons[no]: died for no, died in deaths.select("person_no", "died").iter_rows()},
            place=_PLACE, acting_user=clerk,
        )  # fmt: skip
        added = _members_of_then(people, homes, known, clerk)
        ends = {
            known.households[no][0]: (Month.parse(str(until)).prev().yyyymm, reason)
            for no, until, reason in gone.select("household_no", "until", "end_reason").iter_rows()
            if no not in true_homes and no in known.households
        }
        ended = end_entries(ends, place=_PLACE, acting_user=clerk)
    tell(
        f"  补录退出家庭 {gone.height:,} 户（其中已退出 {ended:,} 户），当时的成员 {added:,} 人，成员期间前移 {changed:,} 人"
    )
    rows = _history(made, known)
    tell(f"  发放明细 {rows:,} 行（{FIRST} 至 {LAST}，一户一月一项目）")
    return known


def _day(yyyymm: int) -> date:
    return Month.parse(str(yyyymm)).first_day


def _known(people: pl.DataFrame) -> Known:
    with system_scope(_PLACE):
        ids = people["id_no"].to_list()
        by_number: dict[str, int] = {}
        for at in range(0, len(ids), 20_000):
            by_number |= known_people(ids[at : at + 20_000])
        belongs = {
            person: (household, no, region)
            for person, household, no, region in Membership.objects.filter(household__is_demo=True)
            .order_by("since").values_list("person_id", "household_id", "household__no", "household__region")
        }  # fmt: skip
    known = Known()
    for person_no, household_no, id_no in people.select("person_no", "household_no", "id_no").iter_rows():
        person = by_number.get(id_no)
        if person is not None:
            known.persons[person_no] = person
            if person in belongs:
                known.households[household_no] = belongs[person]
    return known


def _members_of_then(people: pl.DataFrame, homes: pl.DataFrame, known: Known, clerk: object) -> int:
    """Who belonged in the ten months and had left before the family was registered."""
    missing = people.filter(
        ~pl.col("person_no").is_in(list(known.persons)), pl.col("since") <= LAST.yyyymm, pl.col("until").is_not_null()
    ).join(homes.select("household_no"), on="household_no", how="semi")
    members = []
    for p in missing.iter_rows(named=True):
        if p["household_no"] not in known.households:
            continue
        household, _, region = known.households[p["household_no"]]
        until = p["died"] + timedelta(days=1) if p["died"] else _day(p["until"])
        if until > HANDED:
            continue
        members.append(
            (
                p["person_no"],
                PastMember(
                    household, region,
                    NewPerson(p["name"], relation=_RELATIONS.get(p["relation_before"] or p["relation"], "unstated"), id_text=p["id_no"]),
                    _day(p["since"]), max(until, _day(p["since"])), _REASONS[p["end_reason"]], p["died"],
                ),
            )
        )  # fmt: skip
    ids = enter_past_members([one for _, one in members], place=_PLACE, acting_user=clerk, is_demo=True)  # type: ignore[arg-type]
    known.persons |= {no: person for (no, _), person in zip(members, ids, strict=True)}
    return len(ids)


_NAME = "发放明细_荆门市（2016年7月至2017年4月）"


def _history(made: Registers, known: Known) -> int:
    rows = pl.read_parquet(made.payments).with_row_index("row_no", offset=2)
    numbers = pl.DataFrame(
        [(no, number) for no, (_, number, _) in known.households.items()],
        schema={"household_no": pl.Int64, "no": pl.String}, orient="row",
    )  # fmt: skip
    frame = rows.join(numbers, on="household_no", how="left").select(
        pl.col("row_no").cast(pl.Int64), pl.col("month").cast(pl.Int64), "programme", "category",
        pl.col("no").alias("household_no"), pl.col("persons").cast(pl.Int64), pl.col("amount_fen").cast(pl.Int64),
    )  # fmt: skip
    plain = io.BytesIO()
    frame.write_parquet(plain)
    clerk = user("shi-bd")
    with clock.frozen(HANDED), scope(clerk):
        kept = add_history(
            frame, acting_user=clerk, place=_PLACE, profile="generic", name=f"{_NAME}.parquet",
            sha256=hashlib.sha256(plain.getvalue()).hexdigest(),
        )  # fmt: skip
    return sum(one.rows for one in kept)
