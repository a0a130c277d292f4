"""Second half of a preview: rows and families against what is registered. Reads the register, writes verdicts only.

Same number, same county: the person is known; a different name is a conflict, never a correction. On the roll of
another programme, in another family or county: receives twice. A known family on the roll is compared field by field,
and what differs becomes a proposed change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from tuodi.exchange.faults import Fault
from tuodi.intake.models import AcceptedRoster, RosterFamily, RosterImport, RosterRow, Verdict
from tuodi.kernel.money import format_yuan
from tuodi.people.enums import CareForm, Relation, SelfCare
from tuodi.people.models import Account, Household, HouseholdFacts, Membership, RollEntry

__all__ = ["conclude", "match"]

_CHUNK = 2000


def _sql(statement: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return cursor.fetchall() if cursor.description else []


#: Rows whose number is registered in the scope: same county first, and whether an entitlement is open there.
_KNOWN = """
select r.row_no, r.name, p.id, p.name, substr(p.region, 1, 6) = substr(r.region, 1, 6),
       exists (select 1 from people_formername f where f.person_id = p.id and f.name = r.name), m.household_id
from intake_rosterrow r
join people_person p on p.id_index = r.id_index
left join people_membership m on m.person_id = p.id and m.until is null
where r.imported_id = %s and r.verdict = 'pending'
order by r.row_no
"""


def match(imported: RosterImport) -> None:
    """Give every pending row its person, or its conflict. In the scope and transaction of the caller."""
    known = _sql(_KNOWN, [imported.pk])
    _outside(imported, {row_no for row_no, *_ in known})
    if not known:
        return
    family_of = dict(
        RosterRow.objects.filter(imported=imported, row_no__in=[k[0] for k in known]).values_list("row_no", "family_no")
    )
    programme_of = dict(RosterFamily.objects.filter(imported=imported).values_list("no", "programme"))
    entitled = _entitled({household for *_, household in known if household})
    changed: dict[int, tuple[Verdict, int | None, Fault | None]] = {}
    for row_no, name, person, registered, same_county, former, household in known:
        open_programmes = entitled.get(household, set()) if household else set()
        programme = programme_of[family_of[row_no]]
        if not same_county:
            if open_programmes:
                changed[row_no] = (Verdict.DOUBLE, None, _double("double_county", "此人已在另一区县享受救助"))
            continue
        if name != registered and not former:
            changed[row_no] = (Verdict.NAME_CONFLICT, person, _differs())
        elif open_programmes and programme not in open_programmes:
            changed[row_no] = (Verdict.DOUBLE, person, _double("double_receipt", "此人已享受另一项救助"))
        else:
            changed.setdefault(row_no, (Verdict.PENDING, person, None))
    plain = {row_no: person for row_no, (_, person, fault) in changed.items() if fault is None}
    # bulk_update builds a CASE of thousands of branches; arrays cost a tenth.
    _sql(
        "update intake_rosterrow t set person_id = v.b from unnest(%s::int[], %s::bigint[]) v(a, b) "
        "where t.imported_id = %s and t.row_no = v.a",
        [list(plain), list(plain.values()), imported.pk],
    )
    for chunk in _chunks([row_no for row_no in changed if row_no not in plain]):
        rows = list(RosterRow.objects.filter(imported=imported, row_no__in=chunk))
        for row in rows:
            verdict, row.person_id, fault = changed[row.row_no]
            row.verdict = verdict
            if fault:
                row.faults = [*row.faults, list(fault)]
        RosterRow.objects.bulk_update(rows, ["verdict", "person_id", "faults"], batch_size=1000)


def _differs() -> Fault:
    return Fault("error", "name_conflict", "id_no", "", "身份证号已登记在另一姓名下", "请核对证件；改名的先办理更名")


def _double(code: str, reason: str) -> Fault:
    return Fault("error", code, "id_no", "", reason, "请核实后保留一项，另一项先办理退出")


def _entitled(households: set[int]) -> dict[int, set[str]]:
    """Household -> programmes with an open entitlement, on the roll or accepted and not yet on it."""
    out: dict[int, set[str]] = defaultdict(set)
    for chunk in _chunks(sorted(households)):
        for household, programme in RollEntry.objects.filter(household__in=chunk, end_month__isnull=True).values_list(
            "household_id", "programme"
        ):
            out[household].add(programme)
        waiting = AcceptedRoster.objects.filter(household__in=chunk).exclude(
            household__in=RollEntry.objects.filter(household__in=chunk).values("household_id")
        )
        for household, programme in waiting.values_list("household_id", "programme"):
            out[household].add(programme)
    return out


def _outside(imported: RosterImport, known: set[int]) -> None:
    """Numbers that nobody in the scope has: asked in lots of the whole site, singly only where a lot has a hit."""
    rows = list(
        RosterRow.objects.filter(imported=imported, verdict=Verdict.PENDING, id_index__isnull=False)
        .exclude(row_no__in=known)
        .values_list("row_no", "id_index", "id_masked")
    )
    hits: list[int] = []
    for lot in _chunks(rows):
        hits += _ask(lot)
    found = list(RosterRow.objects.filter(imported=imported, row_no__in=hits))
    for row in found:
        row.verdict = Verdict.DOUBLE
        row.faults = [*row.faults, list(_double("double_county", "此人已在本机构辖区以外享受救助"))]
    RosterRow.objects.bulk_update(found, ["verdict", "faults"], batch_size=1000)


def _ask(lot: list[tuple[int, bytes, str]]) -> list[int]:
    """The rows of a lot that receive elsewhere, by halving. The database logs each question."""
    asked = lot[0][2] if len(lot) == 1 else f"批量 {len(lot)} 人"
    answer = _sql(
        "select in_benefit from people_find_elsewhere(%s::bytea[], %s)", [[bytes(i) for _, i, _ in lot], asked]
    )
    if not any(benefit for (benefit,) in answer):
        return []
    if len(lot) == 1:
        return [lot[0][0]]
    half = len(lot) // 2
    return _ask(lot[:half]) + _ask(lot[half:])


def conclude(imported: RosterImport) -> None:
    """Give every family its verdict and its proposed changes, every pending row the family's, and count."""
    pk = imported.pk
    holding = ("quarantine", "error", "name_conflict", "double")
    _sql(
        "update intake_rosterfamily f set verdict = 'held' where imported_id = %s and exists (select 1 from intake_rosterrow r "
        "where r.imported_id = f.imported_id and r.family_no = f.no and r.verdict = any(%s))",
        [pk, list(holding)],
    )
    _sql(
        "update intake_rosterrow r set verdict = 'waits' from intake_rosterfamily f where r.imported_id = %s and f.imported_id = %s "
        "and f.no = r.family_no and f.verdict = 'held' and r.verdict = 'pending'",
        [pk, pk],
    )
    _compare_known(imported)
    _sql("update intake_rosterfamily set verdict = 'new' where imported_id = %s and verdict = 'pending'", [pk])
    _sql(
        "update intake_rosterrow r set verdict = f.verdict from intake_rosterfamily f where r.imported_id = %s and f.imported_id = %s "
        "and f.no = r.family_no and r.verdict = 'pending'",
        [pk, pk],
    )
    count(imported)


def count(imported: RosterImport) -> None:
    """Counts by verdict, and how many families of the same lists are on the roll but not in the file."""
    rows = dict(_sql("select verdict, count(*) from intake_rosterrow where imported_id = %s group by 1", [imported.pk]))
    families = dict(
        _sql("select verdict, count(*) from intake_rosterfamily where imported_id = %s group by 1", [imported.pk])
    )
    codes = dict(
        _sql(
            "select f->>1, count(*) from intake_rosterrow, jsonb_array_elements(faults) f where imported_id = %s group by 1 order by 1",
            [imported.pk],
        )
    )
    (total,) = _sql(
        "select coalesce(sum(amount_fen), 0) from intake_rosterfamily where imported_id = %s and verdict <> 'held'",
        [imported.pk],
    )[0]
    imported.counts = {
        "rows": rows,
        "families": families,
        "codes": codes,
        "amount_fen": int(total),
        "absent": len(absent_ids(imported)),
    }
    imported.save(update_fields=["counts"])


_ABSENT = """
select e.household_id from people_rollentry e
where e.end_month is null and e.programme = %s and e.category = %s
  and e.region >= %s and e.region < %s
  and not exists (select 1 from intake_rosterfamily f where f.imported_id = %s and f.household_id = e.household_id)
"""


def absent_ids(imported: RosterImport) -> list[int]:
    """Households on the roll in the counties and lists of the file that the file does not name. Never an exit."""
    lists = _sql(
        "select distinct programme, category, substr(region, 1, 6) from intake_rosterfamily where imported_id = %s",
        [imported.pk],
    )
    out: list[int] = []
    for programme, category, county in lists:
        out += [pk for (pk,) in _sql(_ABSENT, [programme, category, county, county + "~", imported.pk])]
    return out


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for at in range(0, len(items), _CHUNK):
        yield items[at : at + _CHUNK]


def _compare_known(imported: RosterImport) -> None:
    """Families with a registered member: unchanged, changed, or new on the roll (all members in one household)."""
    numbers = sorted(
        set(
            RosterRow.objects.filter(imported=imported, verdict=Verdict.PENDING, person_id__isnull=False).values_list(
                "family_no", flat=True
            )
        )
    )
    for chunk in _chunks(numbers):
        families = {
            f.no: f for f in RosterFamily.objects.filter(imported=imported, no__in=chunk, verdict=Verdict.PENDING)
        }
        rows: dict[int, list[RosterRow]] = defaultdict(list)
        for row in RosterRow.objects.filter(
            imported=imported, family_no__in=list(families), verdict=Verdict.PENDING
        ).order_by("row_no"):
            rows[row.family_no].append(row)
        register = _Register([row.person_id for group in rows.values() for row in group if row.person_id])
        for no, family in families.items():
            _judge(family, rows[no], register)
        same = [f for f in families.values() if not f.changes]
        _sql(
            "update intake_rosterfamily t set verdict = v.b, household_id = v.c "
            "from unnest(%s::bigint[], %s::text[], %s::bigint[]) v(a, b, c) where t.id = v.a",
            [[f.pk for f in same], [str(f.verdict) for f in same], [f.household_id for f in same]],
        )
        other = [f for f in families.values() if f.changes]
        RosterFamily.objects.bulk_update(other, ["verdict", "changes", "household_id"], batch_size=1000)


class _Register:
    """What is registered of the persons of one lot, in a fixed number of queries."""

    def __init__(self, persons: list[int]) -> None:
        self.home_of = dict(
            Membership.objects.filter(person__in=persons, until__isnull=True).values_list("person_id", "household_id")
        )
        homes = sorted(set(self.home_of.values()))
        self.members: dict[int, dict[int, str]] = defaultdict(dict)
        for home, person, relation in Membership.objects.filter(household__in=homes, until__isnull=True).values_list(
            "household_id", "person_id", "relation"
        ):
            self.members[home][person] = relation
        self.region = dict(Household.objects.filter(pk__in=homes).values_list("pk", "region"))
        self.income = dict(
            HouseholdFacts.objects.filter(household__in=homes, valid_to__isnull=True).values_list(
                "household_id", "income_year_fen"
            )
        )
        self.entry: dict[tuple[int, str], dict[str, Any]] = {}
        fields = ("household_id", "programme", "amount_fen", "grade", "form", "self_care", "account_id")
        on_roll = RollEntry.objects.filter(household__in=homes, end_month__isnull=True)
        for values in RollEntry.objects.filter(household__in=homes, end_month__isnull=True).values(*fields):
            self._add(values)
        on_roll = set(self.entry)
        newest: dict[tuple[int, str], int] = {}
        accepted = AcceptedRoster.objects.filter(household__in=homes).order_by("-as_of_month", "id")
        for values in accepted.values(*fields, "as_of_month"):
            key = (values["household_id"], values["programme"])
            # Accepted and not yet on the roll: the newest list says what is proposed there.
            if key not in on_roll and newest.setdefault(key, values["as_of_month"]) == values["as_of_month"]:
                self._add(values)
        accounts = {value["account_id"] for value in self.entry.values() if value["account_id"]}
        self.account = dict(Account.objects.filter(pk__in=accounts).values_list("pk", "account_index"))

    def _add(self, values: dict[str, Any]) -> None:
        key = (values["household_id"], values["programme"])
        had = self.entry.get(key)
        if had is None:
            self.entry[key] = dict(values)
        else:
            # Entitlements of single persons (五保 couples) stand on the lines of one family in a roster.
            had["amount_fen"] += values["amount_fen"]
            had["account_id"] = had["account_id"] or values["account_id"]


def _judge(family: RosterFamily, rows: list[RosterRow], register: _Register) -> None:
    homes = {register.home_of.get(row.person_id) for row in rows if row.person_id} - {None}
    if not homes:
        family.verdict = Verdict.CHANGED
        family.changes = [["members", "家庭成员", "已登记，不在任何家庭", "名册列为一户"]]
        return
    changes: list[list[str]] = []
    if len(homes) > 1:
        family.verdict = Verdict.CHANGED
        family.changes = [["members", "家庭成员", f"现分属 {len(homes)} 个家庭", "名册列为一户"]]
        return
    home = homes.pop()
    assert home is not None
    family.household_id = home
    members = register.members[home]
    listed = {row.person_id for row in rows if row.person_id}
    unknown = [row for row in rows if row.person_id is None or row.person_id not in members]
    if unknown:
        changes.append(["members", "增加成员", f"{len(members)} 人", f"增加 {len(unknown)} 人"])
    if missing := set(members) - listed:
        # Not named is not left: it is said, and an officer decides.
        changes.append(["absent", "名册未列的成员", f"{len(members)} 人", f"少 {len(missing)} 人"])
    entry = register.entry.get((home, family.programme))
    if entry is None:
        if changes:
            family.verdict, family.changes = Verdict.CHANGED, changes
        return
    changes += _differences(family, rows, entry, register, home)
    family.verdict = Verdict.CHANGED if changes else Verdict.UNCHANGED
    family.changes = changes


def _differences(
    family: RosterFamily, rows: list[RosterRow], entry: dict[str, Any], register: _Register, home: int
) -> list[list[str]]:
    data = family.data
    out: list[list[str]] = []
    if family.amount_fen != entry["amount_fen"]:
        out.append(["amount", "月金额", format_yuan(entry["amount_fen"]), format_yuan(family.amount_fen or 0)])
    if family.region != register.region[home]:
        out.append(["region", "住址", register.region[home], family.region])
    if data["grade"] and data["grade"] != entry["grade"]:
        out.append(["grade", "类别", entry["grade"], data["grade"]])
    for name, label, words in (("form", "供养方式", CareForm), ("self_care", "自理能力", SelfCare)):
        if data[name] and data[name] != entry[name]:
            out.append([name, label, _label(words, entry[name]), _label(words, data[name])])
    income = data["income_year_fen"]
    if income is not None and income != register.income.get(home):
        now = register.income.get(home)
        out.append(["income", "家庭年收入", "未知" if now is None else format_yuan(now), format_yuan(income)])
    now_account = register.account.get(entry["account_id"])
    if family.account_index is not None and (now_account is None or bytes(now_account) != bytes(family.account_index)):
        out.append(["account", "银行账号", "原账号" if now_account else "无", "新账号"])
    for row in rows:
        relation = register.members[home].get(row.person_id or 0)
        written = row.data["relation"]
        if relation and written not in (relation, "unstated"):
            out.append(["relation", "与户主关系", _label(Relation, relation), _label(Relation, written)])
    return out


def _label(words: Any, code: str) -> str:
    return str(words(code).label) if code in words.values else code or "未填"
