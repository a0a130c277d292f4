"""Consents of one family, the list of people without one, the forms to sign, and papers taken in by the box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi import documents
from tuodi.audit.actions import record
from tuodi.cases.models import Case
from tuodi.files.store import open_plain
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.org.places import full_name
from tuodi.people.models import Household
from tuodi.people.queries import access_household, members_on
from tuodi.verification import consent_actions, consent_bulk, request_actions
from tuodi.verification.consent_queries import ConsentLine, consents_of, without_consent
from tuodi.verification.models import CheckRequest, Consent, Supporter
from tuodi.verification.request_queries import requests_of, sources_of, why_not_live
from tuodi.web.components import navigation, pages, places, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.counter import checks, work

DUTIES = (DutyCode.VERIFY, DutyCode.ACCEPT)
MAX_LIST = 10 << 20


class ConsentForm(forms.Form):
    """One person's signed paper."""

    who = forms.ChoiceField(label="授权人")
    basis = forms.ChoiceField(label="依据", choices=Consent.Basis.choices)
    signed_on = forms.DateField(label="授权日期", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    valid_to = forms.DateField(
        label="有效期至",
        required=False,
        help_text="不填为救助期间一直有效",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    covers_bank = forms.BooleanField(label="包括银行、证券等金融资产", required=False, initial=True)
    guardian_name = forms.CharField(label="监护人姓名", required=False, max_length=60, help_text="未成年人必填")
    paper_ref = forms.CharField(label="纸质档号或依据条款", required=False, max_length=80)
    document = forms.FileField(label="授权书扫描件", required=False, help_text="PDF、JPG 或 PNG，不超过 20 MB")

    def __init__(self, *args: Any, lines: list[ConsentLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = {_code(line): line for line in lines}
        self.fields["who"].choices = [
            (code, f"{line.name}（{line.relation}{'，家庭外义务人' if line.supporter else ''}）")
            for code, line in self.lines.items()
        ]


class SupporterForm(forms.Form):
    """A statutory supporter outside the family."""

    person = forms.ChoiceField(label="被赡养、抚养、扶养人")
    relation = forms.CharField(label="义务人是他的", max_length=16, help_text="例如子女、父母、配偶")
    name = forms.CharField(label="义务人姓名", max_length=60)
    id_text = forms.CharField(label="义务人证件号码", required=False, max_length=24)

    def __init__(self, *args: Any, lines: list[ConsentLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(line.person.pk): line.person for line in lines if line.person}
        self.fields["person"].choices = [(pk, person.name) for pk, person in self.people.items()]


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Who of the family has consented, and the verbs; a POST does one."""
    household = access_household(request.user, pk)
    lines = consents_of(household, clock.today())
    given = request.POST if request.method == "POST" else None
    do = posting.text(request, "do", 20)
    consent = ConsentForm(
        given if do == "record" else None,
        request.FILES if do == "record" else None,
        lines=lines,
        initial={"signed_on": clock.today(), "who": next((_code(line) for line in lines if not line.consent), "")},
    )
    supporter = SupporterForm(given if do == "supporter" else None, lines=lines, prefix="s")
    if request.method == "POST" and (answer := _do(request, household, do, consent, supporter)) is not None:
        return answer
    reading.note_reading(
        request, "核对授权", [household.pk], [one.person.pk for one in lines if one.person], region=household.region
    )
    return render(request, "counter/consents.html", _context(request, household, lines, consent, supporter))


def _context(
    request: HttpRequest, household: Household, lines: list[ConsentLine], consent: ConsentForm, supporter: SupporterForm
) -> dict[str, Any]:
    may = navigation.may(request, DUTIES, household.region)
    sources = sources_of(household.region)
    case = _running_case(household)
    return {
        "household": household,
        "place": places.path(household.region),
        "lines": [_line(line) for line in lines],
        "have": sum(1 for line in lines if line.consent),
        "lack": sum(1 for line in lines if not line.consent),
        "ended": [_ended(one) for one in Consent.objects.filter(household=household, ended_on__isnull=False)
                  .select_related("person", "supporter").order_by("-ended_on", "-id")[:10]],
        "requests": [checks._line(row) for row in requests_of(household.pk).select_related("household__head")[:10]],
        "live": [one.label for one in sources if not why_not_live(one)],
        "off": [f"{one.label}：{why_not_live(one)}" for one in sources if why_not_live(one)],
        "purposes": CheckRequest.Purpose.choices,
        "case": case,
        "case_label": work.programme_label(case.programme) if case else "",
        "may": may,
        "consent": consent,
        "supporter": supporter,
    }  # fmt: skip


def _code(line: ConsentLine) -> str:
    return f"m{line.person.pk}" if line.person else f"s{line.supporter.pk if line.supporter else 0}"


def _line(line: ConsentLine) -> dict[str, Any]:
    consent = line.consent
    note = ""
    if consent:
        parts = [
            consent.get_basis_display(),
            f"{consent.signed_on:%Y-%m-%d}",
            f"至 {consent.valid_to:%Y-%m-%d}" if consent.valid_to else "救助期间",
            "" if consent.covers_bank else "不含金融资产",
            f"监护人 {consent.guardian_name}" if consent.guardian_name else "",
            consent.paper_ref,
        ]
        note = " · ".join(part for part in parts if part)
    return {
        "name": line.name,
        "relation": line.relation,
        "outside": line.supporter is not None,
        "id_masked": line.id_masked,
        "has_number": line.has_number,
        "look": Look("已授权", "ok", "check") if consent else Look("没有授权", "warn", "alert-triangle"),
        "note": note,
        "consent": consent,
        "paper": reverse("web:consent-paper", args=[consent.pk]) if consent and consent.document_id else "",
    }


def _ended(row: Consent) -> dict[str, Any]:
    holder: Any = row.person or row.supporter
    return {"name": holder.name, "signed": row.signed_on, "ended": row.ended_on, "why": row.end_reason}


def _running_case(household: Household) -> Case | None:
    return Case.objects.filter(household=household, closed_on__isnull=True, decision="").order_by("-id").first()


def _do(
    request: HttpRequest, household: Household, do: str, consent: ConsentForm, supporter: SupporterForm
) -> HttpResponse | None:
    """The answer after a verb, or None where the form is shown again with its faults."""
    here = reverse("web:consents", args=[household.pk])
    if do == "record":
        return _try(consent, lambda: _record(request, household, consent), request, here, "已登记授权。")
    if do == "supporter":
        return _try(supporter, lambda: _add(request, household, supporter), request, here, "已登记法定义务人。")
    if do == "end":
        rows = Consent.objects.filter(household=household)
        row = access.one(rows, user=request.user, what="授权", pk=posting.text(request, "consent", 12) or 0)
        reason = posting.text(request, "reason", 60)
        posting.attempt(
            request,
            lambda: consent_actions.end_consent(row, acting_user=request.user, reason=reason),
            "授权已终止，此后不再核对本人。",
        )
        return posting.back(here)
    if do == "open":
        return _open(request, household, here)
    posting.refuse(request, "没有这个操作，请刷新页面后重试。")
    return posting.back(here)


def _try(
    form: forms.Form, action: Callable[[], Any], request: HttpRequest, here: str, done: str
) -> HttpResponse | None:
    if not form.is_valid():
        return None
    try:
        action()
    except TuodiError as error:
        form.add_error(None, str(error))
        return None
    posting.succeed(request, done)
    return posting.back(here)


def _record(request: HttpRequest, household: Household, form: ConsentForm) -> None:
    given = form.cleaned_data
    line = form.lines[given["who"]]
    upload = given["document"]
    consent_actions.record_consent(
        acting_user=request.user,
        household=household,
        person=line.person,
        supporter=line.supporter,
        basis=given["basis"],
        signed_on=given["signed_on"],
        valid_to=given["valid_to"],
        covers_bank=given["covers_bank"],
        guardian_name=given["guardian_name"],
        paper_ref=given["paper_ref"],
        document=upload.read(consent_actions.MAX_DOCUMENT + 1) if upload else b"",
        document_name=upload.name if upload else "",
    )


def _add(request: HttpRequest, household: Household, form: SupporterForm) -> Supporter:
    given = form.cleaned_data
    return consent_actions.add_supporter(
        acting_user=request.user,
        household=household,
        person=form.people[given["person"]],
        relation=given["relation"],
        name=given["name"],
        id_text=given["id_text"],
    )


def _open(request: HttpRequest, household: Household, here: str) -> HttpResponse:
    purpose = posting.text(request, "purpose", 12)
    ok, opened = posting.attempt(
        request,
        lambda: request_actions.open_request(
            acting_user=request.user,
            household=household,
            purpose=purpose if purpose in CheckRequest.Purpose.values else CheckRequest.Purpose.APPLICATION,
            case=_running_case(household),
        ),
        lambda row: f"已发起核对 {row.no}。",
    )
    if not ok or opened is None:
        return posting.back(here)
    checks.send(request, opened)
    return posting.back(reverse("web:check", args=[opened.pk]))


def missing(request: HttpRequest) -> HttpResponse:
    """People on the roll of the reader's place without a consent in force; a POST takes in a list of papers."""
    if request.method == "POST":
        return _take_in(request)
    code = request.user.office.place_code
    rows = without_consent(code, clock.today())
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]))
    shown = page.items
    reading.note_list(request, "缺授权名单", [one.household_id for one in shown], [one.person_id for one in shown])
    page.items = [
        {
            "href": reverse("web:consents", args=[row.household_id]),
            "name": row.person.name,
            "id_masked": row.person.id_masked,
            "relation": row.get_relation_display(),
            "household_no": row.household.no,
            "place": places.path(row.region),
        }
        for row in page.items
    ]
    may_import = DutyCode.VERIFY in navigation.held_duties(request)
    context = {"page": page, "total": rows.count(), "place": places.path(code), "may_import": may_import}
    return render(request, "counter/unconsented.html", context)


def _take_in(request: HttpRequest) -> HttpResponse:
    here = reverse("web:unconsented")
    upload = request.FILES.get("file")
    if upload is None or (upload.size or 0) > MAX_LIST:
        posting.refuse(request, "请选择 CSV 文件，不超过 10 MB。")
        return posting.back(here)
    code = request.user.office.place_code
    ok, result = posting.attempt(
        request,
        lambda: consent_bulk.import_consents(
            upload.read(), acting_user=request.user, place_code=code, name=upload.name or ""
        ),
        lambda found: (
            f"读到 {found.rows:,} 行：登记 {found.accepted:,} 人，已有授权 {found.known:,} 人，有问题 {len(found.faults):,} 行。"
        ),
    )
    if ok and result is not None:
        for number, shown, why in result.faults[:20]:
            posting.refuse(request, f"第 {number} 行（{shown}）：{why}")
    return posting.back(here)


def blank(request: HttpRequest) -> HttpResponse:
    """The blank form to sign."""
    return _pdf(documents.render("consent_form", {}), "consent-form")


def filled(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one family with its members filled in, to be printed and signed."""
    household = access_household(request.user, pk)
    case = _running_case(household)
    present = [one for one in members_on(household, clock.today()) if one.until is None]
    data = {
        "head": household.head.name,
        "household_no": household.no,
        "place": full_name(household.region),
        "programme": work.programme_label(case.programme) if case else "",
        "office": request.user.office.name,
        "date": clock.today().isoformat(),
        "people": [
            {"name": one.person.name, "relation": one.get_relation_display(), "id_masked": one.person.id_masked}
            for one in present
        ],
    }
    made = documents.render(
        "consent_form", data, printed_by=request.user.name, printed_at=f"{clock.now():%Y-%m-%d %H:%M}"
    )
    return _pdf(made, f"consent-{trim(household.region)}-{household.pk}")


def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """A signed paper as it was uploaded. Every opening is on record."""
    row = access.one(Consent.objects.select_related("document"), user=request.user, what="授权", pk=pk)
    record(
        "verification.open_consent", actor=request.user, subject_type="consent", subject_id=row.pk, region=row.region
    )
    response = HttpResponse(open_plain(row.document).read(), content_type=row.document.media_type)
    response["Content-Disposition"] = f'attachment; filename="consent-{row.pk}"'
    return response


def _pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response
