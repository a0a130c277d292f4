"""The demo's family, from the counter to the roll, each step by the officer whose duty it is, on 2012's procedure.

荆门 东宝区 in 2017: the county approves, two public notices (民发〔2012〕220号). Figures are those of worked example E01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import transaction

from tuodi.cases import actions as cases
from tuodi.cases import queries as case_queries
from tuodi.cases.models import Case
from tuodi.decisions import actions as decisions
from tuodi.decisions.models import Determination
from tuodi.decisions.roll import put_on_roll
from tuodi.demo.staff import FAMILY_VILLAGE, user
from tuodi.intake.application_actions import accept_application
from tuodi.kernel import clock
from tuodi.kernel.identity import make_id
from tuodi.kernel.luhn import luhn_digit
from tuodi.kernel.money import format_yuan
from tuodi.kernel.places import pad12
from tuodi.org.access import scope, system_scope
from tuodi.org.errors import AccessDeniedError
from tuodi.people import actions as people
from tuodi.people.models import Household
from tuodi.verification import actions as verification

__all__ = ["HEAD", "tell_family"]

HEAD = "欧阳春兰"
_MEMBERS = (("spouse", "单建国", date(1968, 3, 9), 21), ("child", "单晓雨", date(2004, 11, 20), 34))
_ACCEPTED = date(2017, 7, 3)
_CARD = "622848001042089912"

Tell = Callable[[str], None]


@contextmanager
def _at(username: str, day: date) -> Iterator[object]:
    officer = user(username)
    with clock.frozen(day), scope(officer):
        yield officer


def _register() -> Household:
    region = pad12(FAMILY_VILLAGE)
    with clock.frozen(_ACCEPTED), system_scope(FAMILY_VILLAGE):
        head = people.register_person(
            acting_user=None, region=region, name=HEAD, id_text=make_id("420899", date(1970, 5, 12), 12), is_demo=True
        )
        members = [
            (
                people.register_person(
                    acting_user=None, region=region, name=name, id_text=make_id("420899", birth, seq), is_demo=True
                ),
                relation,
            )
            for relation, name, birth, seq in _MEMBERS
        ]
        household = people.form_household(
            acting_user=None,
            region=region,
            head=head,
            area_kind="urban",
            on=date(2010, 1, 1),
            members=members,
            is_demo=True,
        )
        people.add_account(
            acting_user=None,
            person=head,
            number=_CARD + str(luhn_digit(_CARD)),
            bank_code="农业银行",
            holder=HEAD,
            since=_ACCEPTED,
        )
    return household


def tell_family(tell: Tell) -> Determination:
    """Takes the family through its case, or finds that it has been. Tells each step: who, what, why."""
    with system_scope("4208"):
        done = (
            Determination.objects.filter(case__applicant__name=HEAD, kind=Determination.Kind.FAMILY)
            .order_by("-pk")
            .first()
        )
    if done is not None:
        tell(f"{HEAD}一家已办结：{done.no}，{format_yuan(done.amount_fen or 0)} 元/月，自 {done.start_month} 起")
        return done
    with transaction.atomic():  # a demo killed in the middle begins the story anew
        household = _register()
        case = _accepted(household, tell)
        _facts(case, household, tell)
        _township(case, tell)
        return _county(case, tell)


def _say(tell: Tell, day: date, officer: object, text: str) -> None:
    tell(f"{day}  {getattr(officer, 'name', '')}：{text}")


def _accepted(household: Household, tell: Tell) -> Case:
    with _at("jiedao-sl", _ACCEPTED) as officer:
        accepted = accept_application(
            acting_user=officer,
            household=household,
            programme="dibao",
            reason="户主下岗，配偶打零工",
            materials={"身份证": True, "核对授权书": True},  # type: ignore[arg-type]
        )
        _say(tell, _ACCEPTED, officer, f"受理，案件 {accepted.case.no}，回执 {accepted.receipt_no}")
    with _at("dongbao-hd", _ACCEPTED + timedelta(1)) as officer:
        cases.complete_step(case_queries.open_step(accepted.case, "check"), acting_user=officer, opinion="各部门答复齐")  # type: ignore[arg-type]
        _say(tell, _ACCEPTED + timedelta(1), officer, "信息核对完成")
    with _at("jiedao-sh", _ACCEPTED + timedelta(2)) as officer:
        cases.complete_step(
            case_queries.open_step(accepted.case, "visit"),
            acting_user=officer,
            opinion="住房 52 ㎡，无车，收入属实",
            people=[user("jiedao-rh")],  # type: ignore[arg-type]
        )
        _say(tell, _ACCEPTED + timedelta(2), officer, "与赵刚二人入户调查，情况属实")
    with _at("jiedao-sh", _ACCEPTED + timedelta(4)) as officer:
        cases.complete_step(
            case_queries.open_step(accepted.case, "meeting"),
            acting_user=officer,
            result="agreed",
            opinion="12 人参加，居民代表 9 人，同意",
        )  # type: ignore[arg-type]
        _say(tell, _ACCEPTED + timedelta(4), officer, "民主评议：12 人参加，居民代表 9 人，同意")
    return accepted.case


def _facts(case: Case, household: Household, tell: Tell) -> None:
    day = _ACCEPTED + timedelta(7)
    with _at("jiedao-sh", day) as officer:
        draft = verification.start_fact_set(acting_user=officer, household=household, case=case)  # type: ignore[arg-type]
        verification.enter_facts(
            draft,
            acting_user=officer,
            household={"income_year": "10800.00", "assets_ok": True},  # type: ignore[arg-type]
        )
        frozen = verification.freeze(draft, acting_user=officer)  # type: ignore[arg-type]
        _say(tell, day, officer, f"事实冻结：三人，年收入 10,800.00 元，财产符合规定（摘要 {frozen.sha256[:12]}…）")


def _township(case: Case, tell: Tell) -> None:
    day = _ACCEPTED + timedelta(7)
    with _at("jiedao-sh", day) as officer:
        try:  # the same hands may not do the next step of another level
            decisions.confirm(case, acting_user=officer, opinion="同意")  # type: ignore[arg-type]
        except Exception as error:
            if not isinstance(error, AccessDeniedError) and "error" not in type(error).__name__.lower():
                raise
            tell(f"           （街道初审想直接审批，被拒绝：{error}）")
        decisions.first_review(case, acting_user=officer, result="pass", opinion="符合条件，同意上报")  # type: ignore[arg-type]
        notice = decisions.post_notice(case, acting_user=officer, phone="0724-0000000")  # type: ignore[arg-type]
        _say(tell, day, officer, f"审核同意，公示至 {notice.last_day}（只写姓名、人数、拟保障金额、村居）")
    after = notice.last_day + timedelta(1)
    with _at("jiedao-sh", after) as officer:
        decisions.close_notice(case, acting_user=officer, opinion="无异议")  # type: ignore[arg-type]
        _say(tell, after, officer, "公示期满，无异议")


def _county(case: Case, tell: Tell) -> Determination:
    day = date(2017, 7, 19)
    with _at("dongbao-hd", day) as officer:
        cases.complete_step(
            case_queries.open_step(case, "county_review"), acting_user=officer, opinion="抽查入户，属实"
        )  # type: ignore[arg-type]
        _say(tell, day, officer, "区级审批意见：属实")
    with _at("dongbao-qr", day) as officer:
        notice = decisions.post_notice(case, acting_user=officer, phone="0724-0000000")  # type: ignore[arg-type]
        _say(tell, day, officer, f"审批公示至 {notice.last_day}")
    after = max(notice.last_day + timedelta(1), date(2017, 8, 1))
    with _at("dongbao-qr", after) as officer:
        decisions.close_notice(case, acting_user=officer, opinion="无异议")  # type: ignore[arg-type]
        (row,) = decisions.confirm(case, acting_user=officer, opinion="同意")  # type: ignore[arg-type]
        put_on_roll(row, acting_user=officer, account=case.applicant.accounts.first())  # type: ignore[arg-type]
        _say(
            tell,
            after,
            officer,
            f"审批：{row.no}，每月 {format_yuan(row.amount_fen or 0)} 元，自 {str(row.start_month)[:4]}-{str(row.start_month)[4:]} 起发",
        )
    return row
