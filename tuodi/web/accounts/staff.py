"""Accounts of staff: who there is, who holds what where; made and moved by system managers, given duties by security managers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from tuodi.kernel import clock
from tuodi.org import access, actions, factor_actions, lending_actions, link_actions, lockouts, session_actions
from tuodi.org.errors import NotFoundError
from tuodi.org.models import Duty, DutyCode, Office, User
from tuodi.web.accounts.mine import duty_label, lent_line
from tuodi.web.components import navigation, pages, places, posting
from tuodi.web.components.words import Look

READERS = (DutyCode.SYSADMIN, DutyCode.SECURITY)
STATES = (("open", "启用"), ("closed", "已停用"), ("demo", "演示账号"))


class AccountForm(forms.Form):
    """A new account."""

    username = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{2,39}$",
        label="账号",
        help_text="小写字母、数字和 . _ -，3 至 40 位；建立后不能改。",
        error_messages={"required": "没有填写账号。", "invalid": "只能用小写字母、数字和 . _ -，3 至 40 位。"},
    )
    name = forms.CharField(label="姓名", max_length=40, error_messages={"required": "没有填写姓名。"})
    office = forms.ChoiceField(label="机构", error_messages={"required": "没有选择机构。"})

    def __init__(self, *args: Any, offices: list[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].choices = [("", "请选择"), *_options(offices)]

    def clean_username(self) -> str:
        """Names are never used twice: the log tells people apart by them."""
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username=name).exists():
            raise forms.ValidationError("这个账号已有人使用，请换一个。")
        return name


class OfficeForm(forms.Form):
    """A new office."""

    name = forms.CharField(label="机构名称", max_length=80, error_messages={"required": "没有填写机构名称。"})
    kind = forms.ChoiceField(label="性质", choices=Office.Kind.choices)
    place = forms.RegexField(
        r"^(cn|[0-9]{2}|[0-9A-Z]{4}|[0-9A-Z]{6}|[0-9A-Z]{9}|[0-9A-Z]{12})$",
        label="管辖地代码",
        help_text="区划代码前 2、4、6、9 或 12 位，例如 420802001。",
        error_messages={"required": "没有填写代码。", "invalid": "应为 2、4、6、9 或 12 位区划代码。"},
    )


class DutyForm(forms.Form):
    """A duty to grant."""

    code = forms.ChoiceField(label="职责", choices=DutyCode.choices)
    place = forms.CharField(label="范围（区划代码）", max_length=12, required=False)
    last = forms.DateField(
        label="至（含当日，不填为长期）", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class MoveForm(forms.Form):
    """Another office."""

    office = forms.ChoiceField(label="调往")

    def __init__(self, *args: Any, offices: list[Office], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].choices = _options(offices)


def _options(offices: list[Office]) -> list[tuple[str, str]]:
    return [(str(one.pk), f"{one.name}（{places.name(one.place_code)}）") for one in offices]


def in_range(user: User) -> QuerySet[User]:
    """Accounts of offices in a manager's range."""
    here = access.range_of(user.office.place_code)
    return User.objects.filter(office__place_code__gte=here.low, office__place_code__lt=here.high)


def offices_in_range(user: User) -> list[Office]:
    """Offices in use in a manager's range, by place."""
    here = access.range_of(user.office.place_code)
    rows = Office.objects.filter(is_active=True, place_code__gte=here.low, place_code__lt=here.high)
    return list(rows.order_by("place_code", "name")[:2000])


def running_duties() -> QuerySet[Duty]:
    """Duties in force today or later."""
    today = clock.today()
    return Duty.objects.filter(Q(until__isnull=True) | Q(until__gt=today)).select_related("lent_from__user")


def listing(request: HttpRequest) -> HttpResponse:
    """Accounts of the manager's range; by name, duty, place and state."""
    user: Any = request.user
    rows = in_range(user).select_related("office").order_by("office__place_code", "username")
    q, duty, state = pages.text_of(request, "q", 40), request.GET.get("duty", ""), request.GET.get("state", "")
    place = request.GET.get("place", "")
    if q:
        rows = rows.filter(Q(username__icontains=q) | Q(name__icontains=q) | Q(office__name__icontains=q))
    if duty in DutyCode.values:
        rows = rows.filter(pk__in=running_duties().filter(code=duty).values("user"))
    if place.isascii() and place.isalnum() and len(place) <= 12:
        rows = rows.filter(office__place_code__startswith=place)
    if state in dict(STATES):
        rows = rows.filter({"open": Q(is_active=True), "closed": Q(is_active=False), "demo": Q(is_demo=True)}[state])
    rows = rows.prefetch_related(Prefetch("duties", queryset=running_duties().order_by("code"), to_attr="running"))
    page = pages.page_of(request, lambda start, stop: list(rows[start:stop]), total=rows.count())
    page.items = [_line(one) for one in page.items]
    context = {
        "page": page,
        "q": q,
        "duty": duty,
        "state": state,
        "place": place,
        "duties": DutyCode.choices,
        "states": STATES,
        "may_add": DutyCode.SYSADMIN in navigation.held_duties(request),
        "place_names": places.names(user.office.place_code),
    }
    return render(request, "accounts/listing.html", context)


def _line(user: User) -> dict[str, Any]:
    return {
        "href": reverse("web:account", args=[user.pk]),
        "user": user,
        "place": places.path(user.office.place_code),
        "duties": [
            {
                "label": one.get_code_display(),
                "where": places.name(one.place_code) if one.place_code != user.office.place_code else "",
                "lent": one.lent_from.user.name if one.lent_from else "",
            }
            for one in user.running  # type: ignore[attr-defined]
        ],
        "look": state_of(user),
    }


def state_of(user: User) -> Look:
    """An account's state as a tag."""
    if not user.is_active:
        return Look("已停用", "bad")
    if not user.office.is_active:
        return Look("机构停用", "bad")
    return Look("启用", "ok", "check") if user.has_usable_password() else Look("待设密码", "warn")


def new(request: HttpRequest) -> HttpResponse:
    """A new account, without a password: the security manager makes its first link; or a new office."""
    user: Any = request.user
    offices = offices_in_range(user)
    do = posting.text(request, "do", 20)
    posted = request.POST if request.method == "POST" else None
    account = AccountForm(posted if do == "account" else None, offices=offices)
    office = OfficeForm(posted if do == "office" else None, prefix="o")
    if do == "account" and account.is_valid():
        data = account.cleaned_data
        where = next(one for one in offices if str(one.pk) == data["office"])
        ok, made = posting.attempt(
            request,
            lambda: actions.add_user(
                acting_user=user, username=data["username"], name=data["name"].strip(), office=where, password=None
            ),
            f"账号 {data['username']} 已建立。请安全管理员授予职责，并生成首次登录链接。",
        )
        if ok and made is not None:
            return posting.back(reverse("web:account", args=[made.pk]))
    if do == "office" and office.is_valid():
        data = office.cleaned_data
        parent = Office.objects.filter(place_code=user.office.place_code).order_by("pk").first()
        ok, _ = posting.attempt(
            request,
            lambda: actions.add_office(
                acting_user=user, name=data["name"].strip(), place_code=data["place"], kind=data["kind"], parent=parent
            ),
            f"机构“{data['name']}”已建立。",
        )
        if ok:
            return posting.back(reverse("web:account-new"))
    return render(request, "accounts/new.html", {"form": account, "office": office})


@never_cache
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One account; a POST does one thing. A one-time link is shown in the answer to its making and never again."""
    manager: Any = request.user
    found = in_range(manager).select_related("office").filter(pk=pk).first()
    if found is None:
        raise NotFoundError("账号")
    held = navigation.held_duties(request)
    system, security = DutyCode.SYSADMIN in held, DutyCode.SECURITY in held
    offices = offices_in_range(manager) if system else []
    do = posting.text(request, "do", 20)
    form = DutyForm(request.POST if do == "grant" else None, initial={"place": found.office.place_code})
    link = ""
    if do == "link" and security:
        ok, token = posting.attempt(
            request,
            lambda: link_actions.make_link(acting_user=manager, user=found),
            "一次性链接已生成，只显示这一次。",
        )
        link = request.build_absolute_uri(reverse("web:reset", args=[token])) if ok else ""
    elif request.method == "POST" and (do != "grant" or form.is_valid()):
        _do(request, do, manager, found, form, offices, system=system, security=security)
        return posting.back(reverse("web:account", args=[pk]))
    factor = factor_actions.confirmed(found)
    rows = list(found.duties.select_related("lent_from__user", "granted_by").order_by("-since", "-pk")[:60])
    today = clock.today()
    context = {
        "account": found,
        "look": state_of(found),
        "place": places.path(found.office.place_code, 3),
        "running": [_duty(one) for one in rows if one.until is None or one.until > today],
        "ended": [_duty(one) for one in rows if one.until is not None and one.until <= today],
        "lent": [lent_line(one) for one in lending_actions.lent_by(found).select_related("lent_from__user", "user")],
        "sessions": session_actions.alive(found).count(),
        "locked": lockouts.is_locked(found.username),
        "factor": factor,
        "needed": factor_actions.needed(found),
        "system": system,
        "security": security,
        "own": found.pk == manager.pk,
        "form": form if security else None,
        "move": MoveForm(offices=offices, initial={"office": str(found.office_id)}) if system else None,
        "link": link,
        "hours": int(link_actions.LASTS.total_seconds() // 3600),
    }
    return render(request, "accounts/show.html", context)


def _duty(duty: Duty) -> dict[str, Any]:
    return {
        "pk": duty.pk,
        "label": duty_label(duty),
        "since": duty.since,
        "last": duty.until - timedelta(days=1) if duty.until and duty.until > duty.since else duty.until,
        "by": duty.granted_by.name if duty.granted_by else "系统",
        "lent": duty.lent_from.user.name if duty.lent_from else "",
    }


def _do(
    request: HttpRequest,
    do: str,
    manager: User,
    found: User,
    form: DutyForm,
    offices: list[Office],
    *,
    system: bool,
    security: bool,
) -> None:
    if system and do == "disable":
        posting.attempt(
            request,
            lambda: actions.disable_user(acting_user=manager, user=found),
            "账号已停用，其所有登录立即失效。",
        )
    elif system and do == "enable":
        posting.attempt(request, lambda: actions.enable_user(acting_user=manager, user=found), "账号已启用。")
    elif system and do == "move":
        to = next((one for one in offices if str(one.pk) == request.POST.get("office")), None)
        if to is None or to.pk == found.office_id:
            posting.refuse(request, "请选择另一个机构。")
            return
        posting.attempt(
            request,
            lambda: actions.move_user(acting_user=manager, user=found, office=to),
            f"已调往{to.name}；原有职责已全部终止，请安全管理员重新授予。",
        )
    elif security and do == "grant":
        data = form.cleaned_data
        until = data["last"] + timedelta(days=1) if data["last"] else None
        if until and until <= clock.today():
            posting.refuse(request, "终止日早于今天，请改正。")
            return
        posting.attempt(
            request,
            lambda: actions.grant_duty(
                acting_user=manager,
                user=found,
                code=data["code"],
                place_code=data["place"].strip() or None,
                until=until,
            ),
            f"已授予“{DutyCode(data['code']).label}”。",
        )
    elif security and do == "revoke":
        duty = found.duties.filter(pk=posting.number(request, "duty")).first()
        if duty is None:
            posting.refuse(request, "没有这项职责，请刷新页面后重试。")
            return
        posting.attempt(
            request,
            lambda: actions.revoke_duty(acting_user=manager, duty=duty),
            f"已收回“{duty.get_code_display()}”，下一次操作时即失效。",
        )
    elif security and do == "factor":
        posting.attempt(
            request,
            lambda: factor_actions.reset(acting_user=manager, user=found),
            "第二因素已重置，其所有登录立即失效。",
        )
    elif security and do == "unlock":
        posting.attempt(request, lambda: lockouts.unlock(acting_user=manager, user=found), "账号已解锁。")
    else:
        posting.refuse(request, "没有这个操作，或不由您的职责办理。")
