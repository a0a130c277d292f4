"""Applications from phones: what is asked, kept, signed, sent, answered, and wiped."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from applykit import ANSWERS, filled, new_member, seen, sent, signed
from casekit import at, family, hire
from fieldkit import exif, jpeg, png
from oversightkit import resident

from tuodi.cases.errors import DutySeparationError
from tuodi.cases.models import Case, CaseBar
from tuodi.files.errors import ImageRefusedError
from tuodi.files.store import path_of
from tuodi.intake import online_actions as phone
from tuodi.intake import online_desk as desk
from tuodi.intake import online_forms, online_queries
from tuodi.intake.errors import AlreadyOnRollError, ApplicationInputError
from tuodi.intake.models import Application, OnlineApplication, OnlinePaper
from tuodi.intake.online_actions import Holder
from tuodi.intake.online_content import open_content
from tuodi.intake.online_errors import (
    ApplyFormError,
    AskedOnceError,
    DraftGoneError,
    OnlineInputError,
    OnlineStateError,
    OnlineTwiceError,
)
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.messages.models import Message
from tuodi.org.access import system_scope
from tuodi.org.errors import AccessDeniedError, NotFoundError
from tuodi.people.models import Household, Person, RollEntry
from tuodi.verification.models import Consent
from tuodi.verification.online_accept import accept_online

DAY = date(2021, 9, 13)


@pytest.fixture
def me(household):
    with clock.frozen(DAY):
        yield Holder(account=resident(household.head))


def test_at_most_seventeen_kinds_of_question_are_asked():
    form = online_forms.form_for("420802001001", DAY)
    kinds = {one.id for one in form.questions()}
    assert len(kinds) == form.most.n == 17
    assert "17" in form.most.quote
    per_member = [one.id for page in form.pages if page.per for one in page.fields]
    assert per_member == ["member_name", "member_id", "member_relation", "member_state"]


def test_an_eighteenth_question_stops_the_load(tmp_path):
    text = yaml.safe_load(Path("sources/apply/apply.yaml").read_text(encoding="utf-8"))
    text["pages"][-1]["fields"].append({"id": "hobby", "label": "爱好", "kind": "text"})
    (tmp_path / "apply.yaml").write_text(yaml.safe_dump(text, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ApplyFormError, match="有 18 种问题，最多 17 种"):
        online_forms.read_form(tmp_path / "apply.yaml")


def test_what_the_office_has_is_not_asked(me, household):
    with system_scope("420802"):
        Household.objects.filter(pk=household.pk).update(address="天鹅社区 3 组 7 号")
        household.refresh_from_db()
    online = phone.start(by=me, key=uuid4())
    with phone.mine(online.uid, me) as (row, content, form):
        assert [one["name"] for one in content.members] == ["欧阳建", "单晓月", "欧阳春"]
        assert all(one["id"] for one in content.members)
        asked = [page.id for page, _place in phone.pages_of(row, content, form)]
    assert not {"home", "contact", "agent", "village"} & set(asked)
    assert asked.count("state") == 3


@pytest.mark.parametrize(
    ("page", "given", "said"),
    [
        ("programme", {}, "“申请的项目”没有选"),
        ("programme", {"programme": "gold"}, "不在表里"),
        ("work", {"work": "yes"}, "“全家每月大约挣多少”没有填"),
        ("work", {"work": "yes", "work_income": "一千"}, "只写数字"),
        ("other", {"other_income": "-5"}, "只写数字"),
        ("assets", {"assets": ["none", "car"]}, "就不要再选别的"),
        ("contact", {"phone": "12345"}, "11 位手机号"),
    ],
)
def test_a_wrong_answer_says_which_and_what_to_do(me, page, given, said):
    online = phone.start(by=me, key=uuid4())
    with pytest.raises(OnlineInputError, match=said):
        phone.answer(online.uid, page, given, by=me)


def test_not_sure_may_leave_the_sum_open_and_a_no_drops_it(me):
    online = phone.start(by=me, key=uuid4())
    phone.answer(online.uid, "work", {"work": "sometimes", "work_income": ""}, by=me)
    phone.answer(online.uid, "work", {"work": "yes", "work_income": "1,200"}, by=me)
    phone.answer(online.uid, "work", {"work": "no", "work_income": "1,200"}, by=me)
    with phone.mine(online.uid, me) as (_row, content, _form):
        assert content.answers["work"] == "no"
        assert "work_income" not in content.answers


def test_a_draft_waits_for_its_holder_alone_and_is_wiped_after_thirty_days(me, household, files_dir):
    online = phone.start(by=me, key=uuid4())
    assert phone.start(by=me, key=uuid4()).pk == online.pk
    paper = phone.add_paper(online.uid, png(6, 6), "medical", by=me)
    with system_scope("cn"):
        kept = path_of(paper.file)
    assert kept.exists()
    spouse = Holder(account=resident(_spouse(household), "13700001111"))
    with pytest.raises(DraftGoneError):
        phone.answer(online.uid, "kin", {"kin": "no"}, by=spouse)
    with clock.frozen(DAY + timedelta(days=30)), system_scope("cn"):
        assert desk.wipe_drafts() == 0
    with clock.frozen(DAY + timedelta(days=31)), system_scope("cn"):
        assert desk.wipe_drafts() == 1
        assert not OnlineApplication.objects.exists()
        assert not OnlinePaper.objects.exists()
    with pytest.raises(DraftGoneError):
        phone.answer(online.uid, "kin", {"kin": "no"}, by=me)


def _spouse(household):
    with system_scope("420802"):
        return household.memberships.order_by("id")[1].person


def test_nothing_entered_lies_in_the_row_in_plain(me):
    online = filled(me)
    row = seen(online)
    with system_scope("cn"):
        number = open_content(row).members[0]["id"]
    assert number not in str(vars(row))
    assert b"13900005678" not in bytes(row.content)
    assert (row.applicant_name, row.no) == ("", None)


def test_photographs_are_checked_and_lose_what_they_say_about_themselves(me):
    online = phone.start(by=me, key=uuid4())
    paper = phone.add_paper(online.uid, jpeg((0xE1, b"Exif\0\0" + exif())), "medical", by=me)
    with system_scope("cn"):
        from tuodi.files.store import open_plain

        assert b"2021:09:16" not in open_plain(paper.file).read()
    with pytest.raises(ImageRefusedError):
        phone.add_paper(online.uid, b"%PDF-1.4 not a picture", "medical", by=me)
    with pytest.raises(OnlineInputError, match="什么材料"):
        phone.add_paper(online.uid, png(), "passport", by=me)
    again = phone.add_paper(online.uid, jpeg((0xE1, b"Exif\0\0" + exif())), "medical", by=me)
    assert again.pk == paper.pk


def test_each_adult_and_the_applicant_sign_and_a_change_asks_for_it_anew(me):
    online = filled(me)
    with phone.mine(online.uid, me) as (row, content, _form):
        keys = [one.key for one in phone.signers(row, content)]
    assert keys == ["consent.0", "consent.1", "applicant"]  # the child of 2010 signs nothing
    with pytest.raises(OnlineInputError, match="单晓月还没有签名"):
        phone.send(online.uid, by=me)
    with pytest.raises(OnlineInputError, match="没有签名"):
        phone.sign(online.uid, {key: {"strokes": [[[1, 1]]]} for key in keys}, by=me)
    signed(online, me)
    phone.answer(online.uid, "kin", {"kin": "yes"}, by=me)
    with pytest.raises(OnlineInputError, match="还没有签名"):
        phone.send(online.uid, by=me)


def test_sent_twice_it_is_one_and_a_second_one_is_sent_to_the_first(me):
    first = sent(me)
    again = phone.send(first.uid, by=me)
    assert (again.pk, again.no) == (first.pk, "420802-WS-20210913-0001")
    with pytest.raises(OnlineTwiceError, match=first.no):
        sent(me)
    with pytest.raises(OnlineStateError):
        phone.answer(first.uid, "kin", {"kin": "yes"}, by=me)


def test_a_page_left_out_is_named(me):
    online = phone.start(by=me, key=uuid4())
    phone.answer(online.uid, "programme", ANSWERS["programme"], by=me)
    with pytest.raises(OnlineInputError, match="家里为什么困难"):
        phone.send(online.uid, by=me)


def test_acceptance_makes_the_case_with_consents_papers_and_a_message(me, office, household):
    online = filled(me)
    phone.add_paper(online.uid, png(5, 5), "medical", by=me)
    signed(online, me)
    online = phone.send(online.uid, by=me)
    with at(office.town_accept, DAY):
        assert [one.pk for one in online_queries.waiting(office.town_accept)] == [online.pk]
        made = accept_online(online, acting_user=office.town_accept, materials={"户口簿": False})
        application = made.application
        assert (application.channel, application.agent_name, made.new) == ("online", "", 0)
        assert application.household_id == household.pk
        owed = dict(application.materials.values_list("name", "received_on"))
        assert owed == {"户口簿": None, "病历、医药费单据": DAY}
        assert application.materials.get(name="病历、医药费单据").file_id
        consents = {row.person.name: row.guardian_name for row in Consent.objects.select_related("person")}
        assert consents == {"欧阳建": "", "单晓月": "", "欧阳春": "欧阳建"}
        assert Message.objects.filter(template="application_received").count() == 1
        assert list(online_queries.waiting(office.town_accept)) == []
        with pytest.raises(OnlineStateError):
            accept_online(online, acting_user=office.town_accept)
    assert seen(online).state == "accepted"


def test_who_is_new_is_registered_with_the_family(me, office):
    online = sent(me, members=[new_member("欧阳老太", "parent", date(1938, 2, 3))])
    with at(office.town_accept, DAY):
        made = accept_online(online, acting_user=office.town_accept)
        assert made.new == 1
        assert made.household.memberships.filter(person__name="欧阳老太", relation="parent").exists()


def test_only_the_duty_in_the_place_accepts(me, office, make_user):
    online = sent(me)
    elsewhere = hire(make_user, "420804001", "accept")
    with at(elsewhere, DAY):
        assert list(online_queries.waiting(elsewhere)) == []
        with pytest.raises(NotFoundError):
            online_queries.access_online(elsewhere, online.pk)
    with at(office.town_review, DAY):
        assert list(online_queries.waiting(office.town_review)) == []
        with pytest.raises(AccessDeniedError):
            desk.refuse(online, acting_user=office.town_review, reasons="不符合条件，请到窗口咨询")


def test_what_is_missing_is_told_once_and_what_comes_puts_it_back(me, office):
    online = sent(me)
    with at(office.town_accept, DAY):
        desk.ask_missing(
            online, acting_user=office.town_accept, items=["残疾证", "工资条"], until=DAY + timedelta(days=10)
        )
        assert Message.objects.filter(template="materials_missing").exists()
    asked = seen(online)
    assert (asked.state, asked.asked_items) == ("asked", ["残疾证", "工资条"])
    with pytest.raises(OnlineInputError, match="拍照上传"):
        phone.supply(online.uid, [], by=me)
    phone.supply(online.uid, [(png(7, 7), "disability")], by=me, note="工资条单位不给")
    assert seen(online).state == "sent"
    with at(office.town_accept, DAY):
        with pytest.raises(AskedOnceError, match="2021-09-13"):
            desk.ask_missing(online, acting_user=office.town_accept, items=["户口簿"], until=DAY + timedelta(days=10))
        assert accept_online(online, acting_user=office.town_accept).application.pk


def test_a_refusal_needs_words_and_reaches_the_applicant(me, office):
    online = sent(me)
    with at(office.town_accept, DAY):
        with pytest.raises(ApplicationInputError, match="没有写清楚"):
            desk.refuse(online, acting_user=office.town_accept, reasons="不行")
        desk.refuse(online, acting_user=office.town_accept, reasons="户籍不在本乡镇，请向户籍地申请。")
        assert Message.objects.filter(template="answer_given").exists()
    assert [row.reasons for row in online_queries.own(me)] == ["户籍不在本乡镇，请向户籍地申请。"]


def test_the_applicant_takes_it_back_until_it_is_accepted(me, office):
    online = sent(me)
    assert phone.withdraw(online.uid, by=me).state == "withdrawn"
    with pytest.raises(OnlineStateError):
        phone.withdraw(online.uid, by=me)
    with at(office.town_accept, DAY), pytest.raises(OnlineStateError):
        accept_online(online, acting_user=office.town_accept)


def test_a_failure_on_acceptance_leaves_nothing_behind(me, office, household):
    online = sent(me, members=[new_member("欧阳老太", "parent", date(1938, 2, 3))])
    with at(office.town_accept, DAY):
        RollEntry.objects.create(
            household=household, region=household.region, programme="dibao", category="urban", amount_fen=1,
            start_month=202101,
        )  # fmt: skip
        with pytest.raises(AlreadyOnRollError):
            accept_online(online, acting_user=office.town_accept)
        assert not Person.objects.filter(name="欧阳老太").exists()
        assert not Application.objects.exists()
    assert seen(online).state == "sent"


def test_a_neighbour_applies_with_mandate_and_is_named_but_learns_nothing(me, office):
    """The applicant is not on the register; his agent is a resident of the same village."""
    village = "420802001001"
    online = sent(me, region=village, for_other=True, members=[new_member("周小禾")])
    assert (online.applicant_name, online.agent_name) == ("周小禾", "欧阳建")
    with at(office.town_accept, DAY):
        made = accept_online(online, acting_user=office.town_accept, area_kind="rural")
        application = made.application
        assert (application.agent_name, application.agent_relation, application.has_mandate) == (
            "欧阳建", "邻居或朋友", True,
        )  # fmt: skip
        assert application.agent_id_masked.startswith("420899")
        assert made.household.head.name == "周小禾"
        assert made.new == 1
    with pytest.raises(OnlineStateError):
        phone.answer(online.uid, "kin", {"kin": "no"}, by=me)


def test_without_the_mandate_s_signature_a_neighbour_cannot_send(me):
    online = filled(me, region="420802001001", for_other=True, members=[new_member("周小禾")])
    with phone.mine(online.uid, me) as (row, content, _form):
        keys = {one.key for one in phone.signers(row, content)}
    assert keys == {"consent.0", "applicant", "mandate"}
    from fieldkit import DRAWN

    with pytest.raises(OnlineInputError, match="委托 欧阳建 代办"):
        phone.sign(online.uid, {key: {"strokes": DRAWN} for key in keys - {"mandate"}}, by=me)


def test_a_cadre_helps_from_his_own_account_and_is_barred_from_the_case(office, make_user, db):
    cadre = hire(make_user, "420802001001", "accept")
    holder = Holder(staff=cadre)
    with clock.frozen(DAY):
        online = sent(holder, region="420802001001", for_other=True, members=[new_member("周小禾")])
    with at(cadre, DAY):
        assert list(online_queries.waiting(cadre)) == []
        with pytest.raises(DutySeparationError, match="代办"):
            desk.accept(online, acting_user=cadre, area_kind="rural")
    with at(office.town_accept, DAY):
        made = accept_online(online, acting_user=office.town_accept, area_kind="rural")
        case = Case.objects.get(pk=made.application.case_id)
        assert list(CaseBar.objects.filter(case=case).values_list("user", "reason")) == [(cadre.pk, "agent")]


def test_a_number_twice_or_wrong_and_a_second_head_are_refused(me):
    online = phone.start(by=me, key=uuid4(), region="420802001001", for_other=True)
    first = new_member("周小禾")
    phone.add_member(online.uid, first, by=me)
    for row, said in (
        ({**first, "member_name": "周小苗", "member_relation": "child"}, "已经写过了"),
        ({**new_member("周小苗", "self", serial=803)}, "户主只有一位"),
        ({**new_member("周小苗", "child"), "member_id": "420899196203048019"[:17] + "0"}, "对不上"),
        ({"member_name": "", "member_id": "1", "member_relation": "child"}, "没有填"),
    ):
        with pytest.raises(OnlineInputError, match=said):
            phone.add_member(online.uid, row, by=me)


def test_two_families_of_one_number_do_not_become_one(me, office):
    """The neighbour's new member belongs to a family already: said, and nothing is made."""
    from tuodi.people.errors import MembershipError
    from tuodi.people.secrets import open_id

    other = family("420802001001", names=("外人甲", "外人乙"))
    with system_scope("420802"):
        number = open_id(other.memberships.order_by("id")[1].person)
    taken = {"member_name": "外人乙", "member_id": number, "member_relation": "child"}
    online = sent(me, members=[taken])
    with at(office.town_accept, DAY), pytest.raises(MembershipError):
        accept_online(online, acting_user=office.town_accept)
    assert make_id("420899", date(1990, 1, 1), 5) != number
