"""A tekun person's own page: assessments, form of support, care agreement, a reported change, the end of support (一人一档)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.decisions import care_actions as care
from tuodi.decisions import care_payees, end_notices
from tuodi.decisions.changes import record_change
from tuodi.decisions.models import CareAgreement
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import parse_yuan
from tuodi.kernel.periods import Month
from tuodi.org.errors import NotFoundError
from tuodi.org.models import DutyCode
from tuodi.people.enums import CareForm, Programme, SelfCare
from tuodi.people.models import Household, Person, RollEntry
from tuodi.people.queries import access_household
from tuodi.people.residents import register_phone
from tuodi.verification.models import FactSet, SelfCareAssessment
from tuodi.verification.queries import latest_frozen
from tuodi.verification.self_care_actions import ORDER_DUTIES, order_self_care, report_self_care_change
from tuodi.verification.self_care_queries import assessments_of
from tuodi.web.components import navigation, places, posting
from tuodi.web.counter.self_care import LOOKS
from tuodi.web.county.end_notices import look_of as end_look


class PayeeForm(forms.Form):
    """Whose account the subsidy of an agreement goes to."""

    id_text = forms.CharField(
        label="照料服务人身份证号码", max_length=24, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    number = forms.CharField(
        label="银行账号", max_length=40, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="户名须与协议写的照料服务人相同",
    )  # fmt: skip
    bank_code = forms.CharField(label="开户银行", max_length=14, required=False)


class AgreementForm(forms.Form):
    """What a signed agreement says."""

    party = forms.CharField(label="照料服务人或供养服务机构", max_length=80)
    relation = forms.CharField(
        label="与特困人员关系", max_length=40, required=False, help_text="分散供养必填，没有亲属关系的写“无”"
    )
    services = forms.CharField(
        label="照料服务内容",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="日常看护、生活照料、住院陪护等",
    )
    frequency = forms.CharField(label="看望频次", max_length=60, required=False)
    subsidy = forms.CharField(
        label="月照料补贴（元）", max_length=12, required=False, help_text="本地没有规定数额的不填，不按 0 处理"
    )
    since = forms.DateField(label="自", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="至", widget=forms.DateInput(attrs={"type": "date"}))
    signed_on = forms.DateField(label="签订日期", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, care_form: str, **kwargs: Any) -> None:
        """Args: care_form: `CareForm` on the roll; a facility is nobody's relative and gets no caregiver's subsidy."""
        super().__init__(*args, **kwargs)
        if care_form == CareForm.CENTRAL:
            self.fields["party"].label = "供养服务机构"
            for name in ("relation", "frequency", "subsidy"):
                del self.fields[name]
        else:
            self.fields["party"].label = "照料服务人"


def show(request: HttpRequest, pk: int, person: int) -> HttpResponse:
    """The page; a POST does what its button says."""
    household = access_household(request.user, pk)
    who = _person(household, person)
    answer = posting.text(request, "answer", 20)
    today = clock.today()
    entry = _entry(household, who, today)
    form = AgreementForm(
        request.POST if answer == "agree" else None, care_form=entry.form if entry else "", initial=_initial()
    )
    payee_form = PayeeForm(request.POST if answer == "payee" else None)
    used = {"agree": form, "payee": payee_form}.get(answer)
    problem = ""
    if request.method == "POST" and (used is None or used.is_valid()):
        try:
            posting.succeed(request, _do(request, household, who, answer, used or form))
            return posting.back(reverse("web:care", args=[household.pk, who.pk]))
        except TuodiError as error:
            problem = str(error)
    agreements = list(CareAgreement.objects.filter(person=who).select_related("office").order_by("-since", "-id"))
    standing = next((one for one in agreements if one.ended_on is None and one.since <= today <= one.until), None)
    payees = {one.pk: care_payees.payee_of(one) for one in agreements if one.caregiver}
    rows = assessments_of(person=who)
    changed = _changed(household, who, entry)
    hung = end_notices.open_notice(who)
    context = {
        "household": household,
        "person": who,
        "place": places.path(household.region),
        "entry": entry,
        "form_label": CareForm(entry.form).label if entry and entry.form else "",
        "class_label": SelfCare(entry.self_care).label if entry and entry.self_care else "",
        "rows": [(row, LOOKS[SelfCareAssessment.State(row.state)]) for row in rows],
        "open_row": next((row for row in rows if row.state == "ordered"), None),
        "agreements": [(one, payees.get(one.pk)) for one in agreements],
        "payee_form": payee_form,
        "unpaid": standing
        if standing is not None and standing.subsidy_fen and payees.get(standing.pk) is None and standing.caregiver
        else None,
        "standing": standing,
        "form": form,
        "changed": changed,
        "stated": _stated(household),
        "end_notice": hung,
        "end_look": end_look(hung) if hung else None,
        "needs_notice": end_notices.needs_notice(household.region, today),
        "board": f"{places.path(household.region, 1)}公示栏",
        "grounds": [(code, f"{ground.label}（{ground.clause}）") for code, ground in care.GROUNDS.items()],
        "standing_payee": payees.get(standing.pk) if standing is not None else None,
        "may_accept": navigation.may(request, [DutyCode.ACCEPT], household.region),
        "may_order": entry is not None and navigation.may(request, ORDER_DUTIES, household.region),
        "may_agree": entry is not None and navigation.may(request, [DutyCode.REVIEW], household.region),
        "may_decide": navigation.may(request, [DutyCode.CONFIRM], household.region),
        "posted": request.POST,
        "problem": problem,
        "today": today,
    }
    return render(request, "counter/care.html", context)


def _person(household: Household, pk: int) -> Person:
    member = household.memberships.select_related("person").filter(person=pk).first()
    if member is None:
        raise NotFoundError("家庭成员")
    return member.person


def _entry(household: Household, person: Person, today: date) -> RollEntry | None:
    """The person's tekun entry that runs now or begins later."""
    month = Month.of(today).yyyymm
    return (
        RollEntry.objects.filter(household=household, person=person, programme=Programme.TEKUN)
        .filter(Q(end_month__isnull=True) | Q(end_month__gte=month))
        .order_by("start_month")
        .first()
    )


def _changed(household: Household, person: Person, entry: RollEntry | None) -> SelfCareAssessment | None:
    """The newest assessment whose class the roll does not pay yet."""
    newest = next((row for row in assessments_of(person=person) if row.state == "assessed"), None)
    if entry is None or newest is None or newest.case_id is not None or newest.result == entry.self_care:
        return None
    return newest if newest.fact_set is not None and newest.fact_set.is_frozen else None


def _stated(household: Household) -> FactSet | None:
    """Facts that hold a ground of ending and are not decided on."""
    facts = latest_frozen(household)
    return facts if facts is not None and facts.reason.startswith("终止供养") else None


def _initial() -> dict[str, str]:
    today = clock.today()
    year = date.fromordinal(today.replace(year=today.year + 1, day=min(today.day, 28)).toordinal() - 1)
    return {"since": today.isoformat(), "until": year.isoformat(), "signed_on": today.isoformat()}


def _do(request: HttpRequest, household: Household, person: Person, answer: str, form: forms.Form) -> str:
    user: Any = request.user
    if answer == "report":
        row = report_self_care_change(person, household, acting_user=user, text=posting.text(request, "text", 300))
        return f"已登记变化，评估 {row.no} 须在 {row.due_on or '待定'} 前完成。"
    if answer == "order":
        row = order_self_care(person, household, acting_user=user, cause=SelfCareAssessment.Cause.PERIODIC)
        return f"评估 {row.no} 已委托{row.body_name}。"
    if answer == "agree":
        data, entry = form.cleaned_data, _entry(household, person, clock.today())
        terms = care.Terms(
            form=entry.form if entry else "",
            party=data["party"],
            relation=data.get("relation", ""),
            services=data["services"],
            frequency=data.get("frequency", ""),
            subsidy_fen=parse_yuan(data["subsidy"]) if data.get("subsidy", "").strip() else None,
            since=data["since"],
            until=data["until"],
            signed_on=data["signed_on"],
        )
        return f"协议 {care.make_agreement(person, household, terms, acting_user=user).no} 已登记。"
    if answer == "payee":
        agreement = CareAgreement.objects.filter(person=person, pk=_number(request, "agreement")).first()
        if agreement is None:
            raise NotFoundError("照料服务协议")
        data = form.cleaned_data
        card = care_payees.Card(data["id_text"], data["number"], data["bank_code"])
        made = care_payees.register_payee(agreement, card, acting_user=user)
        return f"{agreement.caregiver}的收款账户（尾号 {made.account.last4}）已登记，从下一次计算发放起使用。"
    if answer == "phone":
        agreement = CareAgreement.objects.filter(person=person, pk=_number(request, "agreement")).first()
        payee = care_payees.payee_of(agreement) if agreement is not None else None
        if payee is None:
            raise NotFoundError("照料服务人收款账户")
        register_phone(acting_user=user, person=payee.person, phone=posting.text(request, "phone", 30))
        return f"已登记{payee.person.name}的手机，并发出一条告知短信。"
    if answer == "end":
        agreement = CareAgreement.objects.filter(person=person, pk=_number(request, "agreement")).first()
        if agreement is None:
            raise NotFoundError("照料服务协议")
        reason = posting.text(request, "reason", 200)
        return f"协议 {care.end_agreement(agreement, acting_user=user, on=clock.today(), reason=reason).no} 已解除。"
    if answer == "state":
        ground, evidence = posting.text(request, "ground", 20), posting.text(request, "evidence", 200)
        care.state_ground(person, household, ground, acting_user=user, evidence=evidence)
        return "终止情形已登记。"
    if answer == "post":
        facts = _stated(household)
        if facts is None:
            raise NotFoundError("终止情形")
        hung = end_notices.post_end_notice(
            facts, person, place=posting.text(request, "board", 80), acting_user=user
        )  # fmt: skip
        return f"公示 {hung.no} 已登记，{hung.last_day} 截止；请打印公示单张贴。"
    if answer == "stop":
        facts = _stated(household)
        if facts is None:
            raise NotFoundError("终止情形")
        row = care.end_support(facts, person, acting_user=user, reasons=posting.text(request, "reasons", 500))
        return f"决定 {row.no}：从 {Month.parse(str(row.start_month))} 起终止供养。"
    if answer == "change":
        newest = _changed(household, person, _entry(household, person, clock.today()))
        if newest is None or newest.fact_set is None:
            raise NotFoundError("自理能力评估")
        row = record_change(
            newest.fact_set,
            acting_user=user,
            programme=Programme.TEKUN,
            effective=Month.of(clock.today()).next(),
            cause="self_care",
            reasons=f"自理能力评估 {newest.no}：{newest.get_result_display()}",
            person=person,
        )
        return f"决定 {row.no}：从 {Month.parse(str(row.start_month))} 起按新等级发放。"
    raise TuodiError("没有选择要办的事，请用页面上的按钮。")


def _number(request: HttpRequest, name: str) -> int:
    raw = posting.text(request, name, 18)
    return int(raw) if raw.isascii() and raw.isdigit() else 0
