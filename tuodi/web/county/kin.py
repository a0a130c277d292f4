"""The register of near relatives (近亲属备案): what was declared and matched, what is filed, visited and decided."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.cases.models import Case
from tuodi.cases.queries import access_case
from tuodi.kernel import clock
from tuodi.org.models import DutyCode
from tuodi.people.queries import members_on
from tuodi.verification.kin_actions import KEEPERS, declare_kin, file_kin, match_kin
from tuodi.verification.kin_registers import hits_for
from tuodi.verification.models import KinFiling
from tuodi.verification.visit_queries import access_filing, kin_cases_unfiled, kin_register
from tuodi.web.components import navigation, pages, posting, reading
from tuodi.web.components.words import Look
from tuodi.web.counter import work

READERS = (DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.CONFIRM, DutyCode.SUPERVISE)
LOOKS = {
    KinFiling.State.DECLARED: Look("已声明，待备案", "warn"),
    KinFiling.State.MATCHED: Look("已比中，待备案", "warn"),
    KinFiling.State.FILED: Look("已备案，待县级入户", "info"),
    KinFiling.State.VISITED: Look("县级已入户", "local"),
    KinFiling.State.DECIDED: Look("已决定", "ok", "check"),
}
_RELATIONS = [(one.value, one.label) for one in KinFiling.Relation if one not in ("self", "unstated")]
_ROLES = [(one.value, one.label) for one in KinFiling.Role if one != "fiscal"]


class DeclareForm(forms.Form):
    """What an applicant declares."""

    person = forms.ChoiceField(label="家庭成员")
    relation = forms.ChoiceField(label="是对方的", choices=_RELATIONS)
    role = forms.ChoiceField(label="对方身份", choices=_ROLES)
    staff_name = forms.CharField(label="对方姓名", max_length=40)
    staff_unit = forms.CharField(label="对方单位", max_length=80, required=False)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = {str(row.person_id): row.person for row in members_on(case.household, clock.today())}
        self.fields["person"].choices = [(pk, person.name) for pk, person in self.members.items()]
        self.fields["staff_name"].error_messages["required"] = "没有写对方姓名，请填写。"


def show(request: HttpRequest) -> HttpResponse:
    """The register; `?case=` opens one case's declaration. A POST declares, matches or files."""
    case = _case(request)
    form = DeclareForm(request.POST if request.POST.get("answer") == "declare" else None, case=case) if case else None
    if request.method == "POST" and _do(request, case, form):
        return posting.back(reverse("web:kin") + (f"?case={case.pk}" if case else ""))
    state = request.GET.get("state", "")
    rows = kin_register(state=state if state in KinFiling.State.values else "", text=pages.text_of(request, "q", 40))
    if case is not None:
        rows = rows.filter(case=case)
    page = pages.page_of(request, lambda start, stop: [_row(request, one) for one in rows[start:stop]])
    filed = [one["row"] for one in page.items]
    homes = [one.case.household_id for one in filed if one.case]
    reading.note_list(request, "近亲属备案", homes, [one.person_id for one in filed])
    context = {
        "page": page,
        "unfiled": kin_cases_unfiled() if case is None else [],
        "case": case,
        "form": form,
        "may": case is not None and case.is_running and navigation.may(request, KEEPERS, case.region),
        "states": [(one.value, one.label) for one in KinFiling.State],
        "state": state,
        "q": pages.text_of(request, "q", 40),
    }
    return render(request, "county/kin.html", context)


def _case(request: HttpRequest) -> Case | None:
    raw = request.GET.get("case", "")
    return access_case(request.user, pk=int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 18 else None


def _do(request: HttpRequest, case: Case | None, form: DeclareForm | None) -> bool:
    answer = posting.text(request, "answer", 20)
    if answer == "file":
        filing = access_filing(request.user, posting.number(request, "filing"))
        posting.attempt(
            request, lambda: file_kin(filing, acting_user=request.user), lambda row: f"已备案，备案号 {row.no}。"
        )
        return True
    if case is None:
        return True
    if answer == "match":
        posting.attempt(
            request,
            lambda: match_kin(case, acting_user=request.user, hits=hits_for(case)),
            lambda found: f"比对完成，新比中 {len(found)} 条。" if found else "比对完成，没有新的比中。",
        )
        return True
    if form is None or not form.is_valid():
        return False
    data = form.cleaned_data
    done, _ = posting.attempt(
        request,
        lambda: declare_kin(
            case,
            acting_user=request.user,
            person=form.members[data["person"]],
            relation=data["relation"],
            role=data["role"],
            staff_name=data["staff_name"],
            staff_unit=data["staff_unit"],
        ),
        "声明已登记，本案须由县级入户后才能决定。",
    )
    return done


def _row(request: HttpRequest, row: KinFiling) -> dict[str, Any]:
    waits = row.state in (KinFiling.State.DECLARED, KinFiling.State.MATCHED)
    return {
        "row": row,
        "look": LOOKS[KinFiling.State(row.state)],
        "programme": work.programme_label(row.case.programme) if row.case else "—",
        "case_href": reverse("web:case", args=[row.case_id]) if row.case_id else "",
        "visit_href": reverse("web:field-task", args=[row.visit.task_id]) if row.visit_id else "",
        "files": waits and navigation.may(request, KEEPERS, row.region),
    }
