"""What may be done with a run next, by whom, and the posts that do it. Buttons another duty owns are shown locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tuodi.exchange.bank import bank_profiles, load_bank_profile
from tuodi.funds.ledger import sub_account_label
from tuodi.kernel.places import trim
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.payments import actions, plans, progress, signatures
from tuodi.payments.actions.run import payable_at
from tuodi.payments.labels import pay_label
from tuodi.payments.models import BankReturn, PayRun
from tuodi.payments.states import LineStatus, RunState
from tuodi.web.components import navigation, pages, posting, words
from tuodi.web.components.form_parts import MonthField, PlaceOrOwn
from tuodi.web.components.uploads import UploadField
from tuodi.web.county import run_jobs

MAX_RETURN_BYTES = 20 * 2**20


@dataclass(frozen=True)
class Verb:
    """One thing to do with a run."""

    code: str
    label: str
    icon: str
    duty: str
    states: frozenset[str]
    primary: bool = False


_WAITING = (LineStatus.READY, LineStatus.SENT, LineStatus.UNKNOWN)
_DRAFT_DONE = frozenset({RunState.CALCULATED, RunState.CHECKED})
VERBS = (
    Verb("calculate", "继续计算", "refresh", DutyCode.PAY_PREPARE, frozenset({RunState.OPEN})),
    Verb("calculate", "重新计算", "refresh", DutyCode.PAY_PREPARE, _DRAFT_DONE),
    Verb("check", "校验", "list-check", DutyCode.PAY_CHECK, frozenset({RunState.CALCULATED}), True),
    Verb("approve", "审批", "check", DutyCode.PAY_APPROVE, frozenset({RunState.CHECKED}), True),
    Verb("send", "生成银行文件", "send", DutyCode.PAY_SEND, frozenset({RunState.APPROVED}), True),
    Verb("settle", "结清", "check", DutyCode.PAY_CHECK, frozenset({RunState.SENT}), True),
    Verb("close", "关账", "lock", DutyCode.PAY_APPROVE, frozenset({RunState.SETTLED}), True),
)


class OpenForm(PlaceOrOwn, forms.Form):
    """Which month of which place."""

    month = MonthField(label="月份", help_text="例如 2017-09")
    place = forms.CharField(label="地区代码", max_length=12, required=False, help_text="不填为本机构辖区")
    programmes = forms.MultipleChoiceField(
        label="项目",
        # Caregivers go with the people they look after, never alone and never left out by a forgotten tick.
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, at: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["programmes"].choices = [  # type: ignore[attr-defined]
            (code, pay_label(code) + ("（含照料服务补贴）" if code == "tekun" else ""))
            for code in payable_at(at)
            if code != "care"
        ]

    def clean_programmes(self) -> list[str]:
        """What was ticked, and caregivers with 特困."""
        chosen = list(self.cleaned_data["programmes"])
        return [*chosen, "care"] if "tekun" in chosen else chosen


class ReturnForm(forms.Form):
    """The bank's answer."""

    file = UploadField(
        most=MAX_RETURN_BYTES,
        refusal="文件超过 20 MB，不像回盘文件。请核对。",
        label="回盘文件",
        help_text="银行返回的原文件，不要改动；同一文件再导一次不会重复入账",
    )
    profile = forms.ChoiceField(label="文件格式")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Signed answers are fetched from the bank and verified; only tables are carried by hand.
        self.fields["profile"].choices = [
            (n, label) for n, label in bank_profiles().items() if not load_bank_profile(n).signed
        ]


def buttons(request: HttpRequest, run: PayRun) -> list[dict[str, Any]]:
    """The run's next steps: those of the reader's duties to press, the others locked with the reason."""
    held = navigation.held_duties(request)
    shown = []
    for verb in VERBS:
        if run.state not in verb.states:
            continue
        locked = ""
        if verb.duty not in held:
            locked = f"由“{DutyCode(verb.duty).label}”人员办理"
        elif verb.code == "approve" and request.user.pk in (run.opened_by_id, run.calculated_by_id):
            locked = "编制和审批须是不同的人，请由另一位审批人员办理"
        elif verb.code == "approve" and request.user.pk == run.checked_by_id:
            locked = "校验和审批须是不同的人，请由另一位审批人员办理"
        elif verb.code == "approve" and signatures.signed(run).filter(user=request.user.pk).exists():
            locked = "您已签字，还须另一位审批人员签字"
        elif verb.code == "settle":
            waiting = run.pay_lines.filter(live=True, status__in=_WAITING).count()
            locked = f"还有 {waiting:,} 笔没有银行结果，请先导入回盘" if waiting else ""
        if locked and not verb.primary:
            continue
        shown.append(
            {
                "code": verb.code,
                "label": verb.label,
                "icon": verb.icon,
                "primary": verb.primary,
                "locked": locked,
                # Beyond the month's plans an approval needs a sentence; where nothing passes beyond them, none helps.
                "reason": verb.code == "approve"
                and not locked
                and any(not plans.blocks(one.county) for one in plans.excess(run)),
            }
        )
    return shown


def following(request: HttpRequest, run: PayRun, blockers: list[dict[str, str]]) -> dict[str, Any] | None:
    """The next step of a run: whose it is, and what it waits for, each with a way to it; None after the last.

    Args:
        blockers: what the page found in the run itself (checks that fail, lines held or unanswered).
    """
    if run.state not in progress.NEXT:
        return None
    label, duty = progress.NEXT[RunState(run.state)]
    people = [
        one
        for one in access.holders(duty, run.region)
        if duty != DutyCode.PAY_APPROVE or one.pk not in (run.opened_by_id, run.calculated_by_id)
    ]
    waits: list[dict[str, str]] = []
    for one in progress.shortages(run):
        name = sub_account_label(one.county, one.programme)
        text = f"应占用 {words.yuan(one.wanted)} 元，可用 {words.yuan(one.there)} 元，差 {words.yuan(one.gap)} 元"
        waits.append(
            {
                "css": "bad",
                "word": "缺资金",
                "title": name,
                "text": text,
                "href": f"{reverse('web:funds')}?place={one.county}",
            }
        )
    for over in plans.excess(run):
        waits.append(_over_plan(run, over))
    lines = progress.waiting_lines(run)
    if lines:
        href = f"{reverse('web:run-lines', args=[run.pk])}?status=sent"
        waits.append(
            {
                "css": "unknown",
                "word": "待回盘",
                "title": f"{lines:,} 笔还没有银行结果",
                "text": "导入回盘或对账单；未知的由两人认定",
                "href": href,
            }
        )
    for recall in progress.open_recalls(run):
        waits.append(
            {
                "css": "unknown",
                "word": "撤销中",
                "title": f"{recall.no} {recall.get_state_display()}",
                "text": recall.reason,
                "href": reverse("web:bank-batch", args=[run.pk, recall.batch_id]) + "#recalls",
            }
        )
    messages, left = progress.bank_waits(run)
    if messages:
        waits.append(
            {
                "css": "warn",
                "word": "待受理",
                "title": f"{messages} 份报文银行还没有受理",
                "text": "按原号查询，不另发",
                "href": reverse("web:bank"),
            }
        )
    if left:
        waits.append(
            {
                "css": "warn",
                "word": "未核平",
                "title": f"对账单还有 {left} 笔没有对上",
                "text": "逐笔说明，由两人认定",
                "href": reverse("web:bank"),
            }
        )
    waits += [one for one in blockers if one["css"] == "bad" and one["word"] == "拦住"]
    return {
        "label": label,
        "duty": DutyCode(duty).label,
        "people": [one.name for one in people[:4]],
        "more": max(0, len(people) - 4),
        "mine": any(one.pk == request.user.pk for one in people),
        "waits": waits,
    }


def _over_plan(run: PayRun, over: plans.Excess) -> dict[str, str]:
    """A sub-account beyond its plan, with the way to the paper, or to a new one."""
    blocked = plans.blocks(over.county)
    if over.papers:
        href = reverse("web:fund-paper", args=[over.papers[-1]])
        text = f"计划 {words.yuan(over.planned)} 元（{'、'.join(over.papers[:3])}），要用 {words.yuan(over.wanted)} 元，超 {words.yuan(over.over)} 元"
    else:
        href = f"{reverse('web:fund-papers')}?kind=plan&place={over.county}"
        text = f"本月没有用款计划，要用 {words.yuan(over.wanted)} 元"
    remedy = "；先补计划才能审批" if blocked else "；审批时写明理由，或补计划"
    return {
        "css": "bad" if blocked else "warn",
        "word": "超计划",
        "title": over.label,
        "text": text + remedy,
        "href": href,
    }


def may_reissue(request: HttpRequest, run: PayRun) -> int:
    """How many failed or returned lines the reader may send again; 0 = none, or not his duty."""
    if DutyCode.PAY_SEND not in navigation.held_duties(request) or run.state not in (
        RunState.SENT,
        RunState.SETTLED,
        RunState.CLOSED,
    ):
        return 0
    found: int = run.pay_lines.filter(live=True, status__in=[LineStatus.FAILED, LineStatus.RETURNED]).count()
    return found


def may_return(request: HttpRequest, run: PayRun) -> bool:
    """Whether the reader may import the bank's answer now."""
    return run.state in (RunState.SENT, RunState.SETTLED) and DutyCode.PAY_SEND in navigation.held_duties(request)


def open_run(request: HttpRequest, form: OpenForm) -> PayRun:
    """Open the month and start the calculation."""
    run = actions.open_run(
        acting_user=request.user,  # type: ignore[arg-type]
        place=form.cleaned_data["place"] or trim(request.user.office.place_code),  # type: ignore[union-attr]
        month=form.cleaned_data["month"],
        programmes=form.cleaned_data["programmes"],
    )
    if run.state == RunState.OPEN:
        run_jobs.calculate(run, request.user)
    return run


def answer(request: HttpRequest, run: PayRun) -> HttpResponse:
    """Do what a button of the page asks."""
    code = posting.text(request, "do", 20)
    verb = _DO.get(code)
    here = reverse("web:run", args=[run.pk])
    if verb is None:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    else:
        work, done = verb
        posting.attempt(request, lambda: work(request, run), done)
    return posting.back(here)


def take_return(request: HttpRequest, run: PayRun, form: ReturnForm) -> None:
    """Import the bank's answer and say what became of it."""
    given = form.cleaned_data["file"]
    ok, found = posting.attempt(
        request,
        lambda: actions.import_return(
            run,
            acting_user=request.user,
            data=given.read(),
            name=given.name or "",
            profile=form.cleaned_data["profile"],  # type: ignore[arg-type]
        ),
        lambda row: f"已收到 {row.file_name}。",
    )
    if not ok or found is None:
        return
    if found.state == BankReturn.State.REFUSED:
        posting.refuse(request, "整份拒收，没有入账：" + "；".join(found.faults[:5]))
    else:
        posting.succeed(
            request,
            f"成功 {found.paid_lines:,} 笔，失败 {found.failed_lines:,} 笔，未知 {found.unknown_lines:,} 笔，退票 {found.returned_lines:,} 笔。",
        )


def _reason(request: HttpRequest) -> str:
    return posting.text(request, "reason", 200)


def _profile(request: HttpRequest) -> str:
    chosen = posting.text(request, "profile", 40)
    return chosen if chosen in bank_profiles() else "generic-csv"


def _signed(run: PayRun) -> str:
    if run.state == RunState.CHECKED:
        return f"已签字，还差 {run.approvers - signatures.signed(run).count()} 人签字后审批生效。"
    return "已审批，明细从此不再改动。"


_DO: Mapping[str, tuple[Callable[[HttpRequest, PayRun], Any], str | Callable[[PayRun], str]]] = {
    "calculate": (lambda request, run: run_jobs.calculate(run, request.user), "已开始计算。可以离开本页。"),
    "check": (lambda request, run: actions.check(run, acting_user=request.user), "校验通过。"),  # type: ignore[arg-type]
    "approve": (
        lambda request, run: actions.approve(run, acting_user=request.user, reason=_reason(request)),  # type: ignore[arg-type]
        _signed,
    ),
    "send": (
        lambda request, run: actions.make_bank_files(run, acting_user=request.user, profile=_profile(request)),  # type: ignore[arg-type]
        "银行文件已生成，在下面按银行下载。",
    ),
    "reissue": (
        lambda request, run: actions.reissue(run, acting_user=request.user),  # type: ignore[arg-type]
        "重发文件已生成。",
    ),
    "settle": (lambda request, run: actions.settle(run, acting_user=request.user), "已结清，每一笔都有明确结果。"),  # type: ignore[arg-type]
    "close": (lambda request, run: actions.close(run, acting_user=request.user), "已关账，此后更正只进以后月份。"),  # type: ignore[arg-type]
    "cancel": (
        lambda request, run: actions.cancel(run, acting_user=request.user, reason=_reason(request)),
        "批次已撤销。",
    ),  # type: ignore[arg-type]
}


def default_month() -> str:
    """The month proposed when opening: the present one."""
    return str(pages.this_month())
