"""A county's roster from the spreadsheet to accepted families, and everything that must not get through."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from tuodi.audit.models import AuditEntry
from tuodi.exchange.errors import FileRefusedError, SheetChoiceError
from tuodi.intake import roster_actions, roster_queries
from tuodi.intake.errors import RosterPlaceError, RosterStateError
from tuodi.intake.models import AcceptedRoster, RosterFamily, RosterImport, RosterRow
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people import actions as people
from tuodi.people.facts import load_facts
from tuodi.people.models import Account, Household, Membership, Person, RollEntry

pytestmark = pytest.mark.django_db

COUNTY = "420899"


HEADER = [
    "乡镇",
    "村",
    "户编号",
    "姓名",
    "身份证号",
    "与户主关系",
    "户月保障金额",
    "家庭月收入",
    "银行账号",
    "起始年月",
    "类别",
    "残疾等级",
    "备注",
]
TITLE = ["示例县城市低保花名册（2017年8月）"]
MONTH_DAY = date(2017, 8, 1)


def number(seq: int, year: int = 1950) -> str:
    return make_id(COUNTY, date(year, 3, 4), seq)


def line(card: str, name: str, id_no: str, relation: str = "户主", **other: str) -> list[str]:
    cells = {
        "乡镇": "城关街道", "村": "南门社区", "户编号": card, "姓名": name, "身份证号": id_no, "与户主关系": relation,
        "户月保障金额": "312.50", "家庭月收入": "262.50", "银行账号": "80000000000000001", "起始年月": "201603",
        "类别": "A类", "残疾等级": "", "备注": "",
    } | other  # fmt: skip
    return [cells[name] for name in HEADER]


GOOD = [
    line("1", "王芳", number(11)),
    line("1", "欧阳小宝", number(22, 2005), "之子", 残疾等级="二级"),
    line("2", "张䶮", number(33)),
]


def sheet(
    tmp_path: Path, rows: list[list[str]], name: str = "示例县城市低保花名册.csv", title: list[str] = TITLE
) -> Path:
    path = tmp_path / name
    with path.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows([title, HEADER, *rows])
    return path


def bring(
    path: Path, *, write: bool = False, profile: str = "jingmen-urban", place: str = COUNTY, **more: object
) -> RosterImport:
    with system_scope(place):
        staged = roster_actions.stage(path, profile=profile, acting_user=None, place=place, **more)  # type: ignore[arg-type]
    done = roster_actions.preview(staged.pk, place=place)
    if write:
        with system_scope(place):
            roster_actions.confirm(done.pk, acting_user=None)
        done = roster_actions.apply(done.pk, place=place)
    return done


def verdicts(imported: RosterImport) -> list[str]:
    with system_scope("42"):
        return list(RosterRow.objects.filter(imported=imported).order_by("row_no").values_list("verdict", flat=True))


def codes(imported: RosterImport, row_no: int) -> set[str]:
    with system_scope("42"):
        return {fault[1] for fault in RosterRow.objects.get(imported=imported, row_no=row_no).faults}


def register() -> tuple[int, ...]:
    with system_scope("42"):
        return tuple(
            model.objects.count() for model in (Person, Household, Membership, Account, AcceptedRoster, RollEntry)
        )


def test_a_preview_touches_nothing_and_an_apply_writes_everything(tmp_path: Path) -> None:
    path = sheet(tmp_path, [*GOOD, ["合计", "", "", "", "", "", "625.00"]])
    done = bring(path)
    assert (done.state, done.month, done.skipped) == ("previewed", 201708, {"totals": 1})
    assert done.counts["families"] == {"new": 2}
    assert done.counts["amount_fen"] == 62500
    assert register() == (0, 0, 0, 0, 0, 0)
    done = bring(path, write=True)
    assert (done.state, done.progress_done, done.progress_total) == ("applied", 2, 2)
    assert register() == (3, 2, 3, 2, 2, 0)
    with system_scope(COUNTY):
        first, second = AcceptedRoster.objects.order_by("id").select_related("household", "account")
        assert (first.amount_fen, first.persons, first.start_month, first.as_of_month) == (31250, 2, 201603, 201708)
        assert (first.programme, first.category, first.grade, first.region) == ("dibao", "urban", "A", "420899001001")
        assert first.account is not None
        assert first.account.last4 == "0001"
        assert second.household.head.name == "张䶮"
        facts = load_facts(first.household, MONTH_DAY)
        assert facts["household"] == {
            "area_kind": "urban",
            "income_year": "3150.00",
            "assets_ok": True,
            "household_class": "class_a",
        }
        assert [member["name"] for member in facts["members"]] == ["王芳", "欧阳小宝"]
        assert facts["members"][1]["disability_grade"] == 2
        told = set(AuditEntry.objects.filter(subject_type="rosterimport").values_list("action", flat=True))
    assert told >= {
        "intake.stage_roster",
        "intake.preview_roster",
        "intake.confirm_roster",
        "intake.write_roster",
        "intake.apply_roster",
    }


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD)
    first = bring(path, write=True)
    before = register()
    again = bring(path, write=True)
    assert again.pk == first.pk
    assert register() == before


def test_the_same_content_under_another_name_and_format_is_recognised(tmp_path: Path) -> None:
    first = bring(sheet(tmp_path, GOOD), write=True)
    before = register()
    path = tmp_path / "别名.txt"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, delimiter="\t").writerows([TITLE, HEADER, *GOOD])
    again = bring(path, write=True)
    assert again.pk != first.pk
    assert again.repeats_id == first.pk
    assert again.counts["families"] == {"unchanged": 2}
    assert register() == before


def test_changed_rows_are_proposals_only(tmp_path: Path) -> None:
    bring(sheet(tmp_path, GOOD), write=True)
    before = register()
    changed = [
        line("1", "王芳", number(11), 户月保障金额="400.00", 类别="B类"),
        line("1", "欧阳小宝", number(22, 2005), "之子", 户月保障金额="400.00", 类别="B类"),
        line("2", "张䶮", number(33), 银行账号="80000000000000009"),
    ]
    done = bring(sheet(tmp_path, changed, "八月之二.csv"), write=True)
    assert done.counts["families"] == {"changed": 2}
    assert register() == before
    with system_scope(COUNTY):
        one, two = roster_queries.proposed_changes(done)
        assert one.changes == [["amount", "月金额", "312.50", "400.00"], ["grade", "类别", "A", "B"]]
        assert two.changes == [["account", "银行账号", "原账号", "新账号"]]
        assert Account.objects.filter(until__isnull=True).count() == 2


def test_a_new_member_and_a_missing_one_are_proposals(tmp_path: Path) -> None:
    bring(sheet(tmp_path, GOOD), write=True)
    rows = [GOOD[0], line("1", "王小宝", number(44, 2010), "之女"), GOOD[2]]
    done = bring(sheet(tmp_path, rows, "b.csv"), write=True)
    with system_scope(COUNTY):
        (family,) = roster_queries.proposed_changes(done)
        assert [change[0] for change in family.changes] == ["members", "absent"]
        assert Membership.objects.filter(until__isnull=True).count() == 3


def test_a_family_absent_from_the_file_is_told_and_stays(tmp_path: Path) -> None:
    first = bring(sheet(tmp_path, GOOD), write=True)
    with system_scope(COUNTY):
        for accepted in AcceptedRoster.objects.filter(imported=first):
            RollEntry.objects.create(
                household=accepted.household, region=accepted.region, programme="dibao", category="urban", amount_fen=31250, start_month=201603, grade="A",
                account=accepted.account, imported=True,
            )  # fmt: skip
    done = bring(sheet(tmp_path, GOOD[2:], "b.csv"), write=True)
    assert done.counts["absent"] == 1
    with system_scope(COUNTY):
        assert [h.head.name for h in roster_queries.absent_households(done)] == ["王芳"]
        assert RollEntry.objects.filter(end_month__isnull=True).count() == 2


def test_one_bad_member_holds_his_family_and_no_other(tmp_path: Path) -> None:
    wrong = number(22, 2005)[:17] + ("1" if number(22, 2005)[17] != "1" else "2")
    rows = [GOOD[0], line("1", "欧阳小宝", wrong, "之子"), GOOD[2]]
    done = bring(sheet(tmp_path, rows), write=True)
    assert verdicts(done) == ["waits", "quarantine", "new"]
    assert done.counts["families"] == {"held": 1, "new": 1}
    assert register()[:2] == (1, 1)
    corrected = bring(sheet(tmp_path, GOOD, "更正.csv"), write=True)
    assert corrected.counts["families"] == {"new": 1, "unchanged": 1}
    assert register()[:2] == (3, 2)


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        ({"身份证号": number(11)[:15] + "000"}, "quarantine", "id_trailing_zeros"),
        ({"身份证号": "4.20899E+17"}, "quarantine", "id_damaged"),
        ({"身份证号": number(11)[:-1]}, "quarantine", "id_length"),
        ({"身份证号": ""}, "quarantine", "id_empty"),
        ({"身份证号": number(11)[:6] + number(11)[8:14] + "996"}, "quarantine", "id_century"),
        ({"身份证号": "'" + number(11)}, "new", "id_apostrophe"),
        ({"身份证号": number(11)[:6] + number(11)[8:17]}, "new", "id_converted_15"),
        ({"姓名": "王　芳"}, "new", "name_spaces"),
        ({"姓名": "=1+1"}, "error", "bad_name"),
        ({"户月保障金额": "待定"}, "error", "bad_amount"),
        ({"起始年月": "2017-13"}, "error", "bad_month"),
        ({"村": "查无此村"}, "error", "unknown_place"),
        ({"村": "南门社区居委会"}, "new", ""),
        ({"乡镇": "城关街道办事处"}, "new", ""),
        ({"备注": "2017年6月死亡"}, "new", "maybe_dead"),
        ({"银行账号": ""}, "new", "account_missing"),
    ],
)
def test_each_oddity_has_its_verdict(tmp_path: Path, change: dict[str, str], verdict: str, code: str) -> None:
    done = bring(
        sheet(
            tmp_path,
            [
                line(
                    "1",
                    change.get("姓名", "王芳"),
                    change.get("身份证号", number(11)),
                    **{k: v for k, v in change.items() if k not in ("姓名", "身份证号")},
                )
            ],
        )
    )
    assert verdicts(done) == [verdict]
    assert not code or code in codes(done, 3)


def test_doubles_inside_a_file(tmp_path: Path) -> None:
    rows = [
        *GOOD, GOOD[1],
        line("3", "张䶮", number(33)),
        line("4", "李四", number(55)), line("5", "李五", number(55)),
    ]  # fmt: skip
    done = bring(sheet(tmp_path, rows), write=True)
    assert verdicts(done) == ["new", "new", "new", "duplicate", "double", "name_conflict", "name_conflict"]
    assert register()[:2] == (3, 2)


def test_a_registered_number_under_another_name_is_a_conflict_never_a_correction(tmp_path: Path) -> None:
    bring(sheet(tmp_path, GOOD), write=True)
    rows = [line("1", "王方", number(11)), GOOD[1], GOOD[2]]
    done = bring(sheet(tmp_path, rows, "b.csv"), write=True)
    assert verdicts(done) == ["name_conflict", "waits", "unchanged"]
    with system_scope(COUNTY):
        assert not Person.objects.filter(name="王方").exists()
        person = Person.objects.get(name="王芳")
        people.change_name(acting_user=None, person=person, name="王方", on=MONTH_DAY)
    done = bring(sheet(tmp_path, [*GOOD, ["合计"]], "c.csv"))
    assert verdicts(done) == ["unchanged"] * 3


def test_nobody_gets_two_programmes(tmp_path: Path) -> None:
    bring(sheet(tmp_path, GOOD), write=True)
    wubao = sheet(tmp_path, [line("W1", "张䶮", number(33), "本人")], "示例县五保.csv")
    done = bring(wubao, write=True, profile="jingmen-wubao")
    assert verdicts(done) == ["double"]
    assert codes(done, 3) >= {"double_receipt"}


def test_somebody_on_the_roll_of_another_county_is_seen_through_the_logged_question(tmp_path: Path) -> None:
    with system_scope("420802"):
        person = people.register_person(acting_user=None, region="420802001001", name="王芳", id_text=number(11))
        home = people.form_household(
            acting_user=None, region="420802001001", head=person, area_kind="urban", on=MONTH_DAY
        )
        RollEntry.objects.create(
            household=home, region=home.region, programme="dibao", category="urban", amount_fen=1, start_month=201601
        )
    done = bring(sheet(tmp_path, GOOD), write=True)
    assert verdicts(done) == ["double", "waits", "new"]
    assert "double_county" in codes(done, 3)
    with system_scope(COUNTY):
        assert AuditEntry.objects.filter(action="people.find_elsewhere").exists()
    assert "420802" not in str(codes(done, 3))


def test_a_wubao_couple_is_two_entitlements_with_the_exact_sum(tmp_path: Path) -> None:
    rows = [
        line("W1", "赵七", number(71), "本人", 户月保障金额="1252.01"),
        line("W1", "钱八", number(82), "配偶", 户月保障金额="1252.01"),
    ]
    bring(sheet(tmp_path, rows, "五保.csv"), write=True, profile="jingmen-wubao")
    with system_scope(COUNTY):
        assert list(AcceptedRoster.objects.order_by("id").values_list("amount_fen", "persons", "programme")) == [
            (62601, 1, "tekun"),
            (62600, 1, "tekun"),
        ]
        assert load_facts(Household.objects.get(), MONTH_DAY)["members"][0]["labour_finding"] is True


def test_a_killed_apply_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [line(str(i), "王芳", number(i)) for i in range(1, 10)]
    done = bring(sheet(tmp_path, rows))
    with system_scope(COUNTY):
        roster_actions.confirm(done.pk, acting_user=None)
    real, calls = roster_actions._accepted, []

    def dies(*args: object) -> object:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(roster_actions, "_accepted", dies)
    with pytest.raises(KeyboardInterrupt):
        roster_actions.apply(done.pk, place=COUNTY, batch=4)
    assert register() == (4, 4, 4, 4, 4, 0), "the first lot whole, of the second nothing"
    with system_scope(COUNTY):
        assert roster_queries.progress(RosterImport.objects.get(pk=done.pk)).percent == 44
    monkeypatch.undo()
    finished = roster_actions.apply(done.pk, place=COUNTY, batch=4)
    assert finished.state == "applied"
    assert register() == (9, 9, 9, 9, 9, 0)
    roster_actions.apply(done.pk, place=COUNTY)
    assert register() == (9, 9, 9, 9, 9, 0)


def test_a_killed_preview_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sheet(tmp_path, GOOD)
    with monkeypatch.context() as patch:
        patch.setattr("tuodi.intake.roster_matching.match", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bring(path)
    done = bring(path, write=True)
    assert done.counts["rows"] == {"new": 3}


def test_families_registered_between_preview_and_apply_are_left_alone(tmp_path: Path) -> None:
    one = bring(sheet(tmp_path, GOOD))
    bring(sheet(tmp_path, [*GOOD, ["合计"]], "b.csv"), write=True)
    before = register()
    with system_scope(COUNTY):
        roster_actions.confirm(one.pk, acting_user=None)
    assert roster_actions.apply(one.pk, place=COUNTY).state == "applied"
    assert register() == before
    with system_scope(COUNTY):
        assert {f.verdict for f in RosterFamily.objects.filter(imported=one)} == {"changed"}


def test_a_file_that_breaks_in_the_middle_is_given_up_with_its_reason(tmp_path: Path) -> None:
    path = sheet(tmp_path, [line(str(i), "王芳", number(i)) for i in range(1, 40)])
    text = path.read_text(encoding="gb18030") + '"没有闭合的引号' + "\n" * 30_000
    path.write_text(text, encoding="gb18030", newline="")
    with pytest.raises(FileRefusedError):
        bring(path)
    with system_scope(COUNTY):
        stopped = RosterImport.objects.get()
        assert stopped.state == "dropped"
        assert "引号" in stopped.problem
        assert not RosterRow.objects.exists()


def test_steps_out_of_order_are_refused(tmp_path: Path) -> None:
    with system_scope(COUNTY):
        staged = roster_actions.stage(sheet(tmp_path, GOOD), profile="jingmen-urban", acting_user=None, place=COUNTY)
        with pytest.raises(RosterStateError, match="现为“已上传”"):
            roster_actions.confirm(staged.pk, acting_user=None)
    with pytest.raises(RosterStateError):
        roster_actions.apply(staged.pk, place=COUNTY)
    roster_actions.preview(staged.pk, place=COUNTY)
    with system_scope(COUNTY):
        roster_actions.drop(staged.pk, acting_user=None)
        with pytest.raises(RosterStateError):
            roster_actions.confirm(staged.pk, acting_user=None)


def test_only_the_duty_in_the_place_may_import(tmp_path: Path, make_user) -> None:
    path = sheet(tmp_path, GOOD)
    with clock.frozen(date(2017, 8, 2)):
        clerk, other, stranger = (
            make_user(COUNTY, "roll_import"),
            make_user(COUNTY, "accept"),
            make_user("420802", "roll_import"),
        )
        with scope(clerk):
            staged = roster_actions.stage(path, profile="jingmen-urban", acting_user=clerk, place=COUNTY)
            roster_actions.preview(staged.pk, place=COUNTY)
        with scope(other), pytest.raises(AccessDeniedError):
            roster_actions.confirm(staged.pk, acting_user=other)
        with scope(stranger):
            with pytest.raises(NotFoundError):
                roster_queries.access_import(stranger, staged.pk)
            with pytest.raises(NotFoundError):
                roster_actions.stage(path, profile="jingmen-urban", acting_user=stranger, place=COUNTY)
            assert not roster_queries.imports().exists()
        with scope(clerk):
            assert roster_actions.confirm(staged.pk, acting_user=clerk).confirmed_by_id == clerk.pk


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    with system_scope("4208"):
        with pytest.raises(RosterPlaceError, match="哪个区县"):
            roster_actions.stage(
                sheet(tmp_path, GOOD, "名册.csv", ["花名册"]), profile="jingmen-urban", acting_user=None
            )
        book = xlsxwriter.Workbook(tmp_path / "两张.xlsx")
        for name in ("说明", "名册"):
            book.add_worksheet(name).write(0, 0, "x")
        book.close()
        with pytest.raises(SheetChoiceError, match="请指定要导入哪一张"):
            roster_actions.stage(tmp_path / "两张.xlsx", profile="jingmen-urban", acting_user=None)


def test_the_error_sheet_names_row_reason_and_remedy_and_shows_nothing_whole(tmp_path: Path) -> None:
    rows = [
        line("1", "=cmd|' /C calc'!A0", number(11)),
        line("2", "张䶮", number(33)[:15] + "000"),
        line("2", "李四", number(44), "配偶"),
        line("3", "赵六", number(55), 户月保障金额="=1+1"),
    ]
    done = bring(sheet(tmp_path, rows))
    with system_scope(COUNTY):
        text = "".join(roster_queries.error_sheet(done))
        workbook = roster_queries.error_workbook(done)
    assert text.startswith("\ufeff")
    table = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    assert {row[0] for row in table[1:]} == {"3", "4", "5", "6"}
    assert all(row[6] for row in table[1:])
    assert any("第 4 行须先更正" in row[4] for row in table if row[0] == "5")
    for seq in (11, 33, 44, 55):
        assert number(seq) not in text
    for row in table:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(workbook)).active.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)


def test_secrets_lie_encrypted_and_accepted_rows_are_frozen(tmp_path: Path) -> None:
    bring(sheet(tmp_path, GOOD), write=True)
    with system_scope(COUNTY), connection.cursor() as cursor:
        for table in ("intake_rosterrow", "intake_rosterfamily", "intake_rosterimport", "intake_acceptedroster"):
            cursor.execute(f"select t::text from {table} t")
            text = " ".join(row for (row,) in cursor.fetchall())
            assert number(11) not in text
            assert "80000000000000001" not in text
        for deed in ("update intake_acceptedroster set amount_fen = 1", "delete from intake_acceptedroster"):
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(deed)
