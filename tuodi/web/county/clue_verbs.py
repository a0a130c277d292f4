"""What may be done with one clue now, by whom, and the posts that do it. What is locked says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tuodi.kernel.errors import TuodiError
from tuodi.kernel.money import format_yuan, parse_yuan
from tuodi.kernel.periods import Month
from tuodi.monitoring import clue_actions, clue_claims, ledger, recovery, warning_actions, watch
from tuodi.monitoring.errors import ClueInputError
from tuodi.monitoring.models import Clue
from tuodi.monitoring.states import EVIDENCE, REFUTED_WHY
from tuodi.org.models import DutyCode, User
from tuodi.payments.actions.claims import MAX_PAPER
from tuodi.payments.claims import finding_of
from tuodi.payments.states import FindingState
from tuodi.verification.models import FactSet
from tuodi.web.components import navigation, places, posting
from tuodi.web.county.clue_bulk import stored, verdict_of

State = Clue.State
_D = DutyCode


@dataclass
class Verb:
    """One thing to do.

    Attributes:
        form: name of its form in the template; empty = a button alone.
        locked: why it cannot be done now; empty = it can.
        href: page it is done on, where it is no form here.
    """

    code: str
    label: str
    text: str
    icon: str
    form: str = ""
    locked: str = ""
    primary: bool = False
    href: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def offers(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> list[Verb]:
    """The next steps of a clue, the reader's own to press, the others locked with the reason.

    Args:
        missing: labels of required evidence that is not on file.
    """
    found = [verb for make in _BY_STATE.get(clue.state, ()) if (verb := make(request, clue, missing)) is not None]
    for verb in found:
        if not verb.locked and not verb.href:
            verb.primary = True
            break
    return found


def _may(request: HttpRequest, clue: Clue, *duties: str) -> bool:
    return navigation.may(request, duties, clue.region)


def _without(request: HttpRequest, clue: Clue, *duties: str) -> str:
    """Why the reader may not, for want of a duty; empty where he holds one."""
    if _may(request, clue, *duties):
        return ""
    return f"由“{'”或“'.join(DutyCode(duty).label for duty in duties)}”人员办理"


def _mine(request: HttpRequest, clue: Clue) -> str:
    if lack := _without(request, clue, _D.CLUE):
        return lack
    if clue.responsible_id == request.user.pk:
        return ""
    return f"由责任人{clue.responsible.name if clue.responsible else '（未派发）'}办理"


def _assign(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    again = clue.state != State.GENERATED
    locked = _without(request, clue, _D.VERIFY, _D.CLUE_DECIDE)
    if again and locked:
        return None
    label, text = ("改派", "换责任人，期限不变") if again else ("派发", "指定责任人，期限从今天起算")
    people = [] if locked else ledger.assignees(request.user, clue.region)  # type: ignore[arg-type]
    shown = list({duty.user_id: duty for duty in people}.values())
    if not locked and not shown:
        locked = "住地没有“线索核实”人员，请先授予职责"
    return Verb(
        "assign", label, text, "user-share", "assign", locked,
        data={"people": [(one.user_id, f"{one.user.name}（{one.user.office.name}，{places.name(one.place_code)}）") for one in shown]},
    )  # fmt: skip


def _receive(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if clue.pushed_at is None or clue.read_at is not None:
        return None
    return Verb(
        "receive", "签收预警", "收到后派发或不予立案", "check", "", _without(request, clue, _D.VERIFY, _D.CLUE_DECIDE)
    )


def _dismiss(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if clue.pushed_at is None or not _may(request, clue, _D.CLUE_DECIDE):
        return None
    return Verb(
        "dismiss",
        "不予立案",
        "写明理由，计入查否",
        "x",
        "refute",
        data={"reasons": list(REFUTED_WHY.items()), "ask": "不予立案的理由"},
    )


def _start(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb:
    return Verb("start", "开始核实", "登记复核、询问、入户", "search", "", _mine(request, clue))


def _evidence(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if not _may(request, clue, _D.CLUE, _D.VISIT, _D.VERIFY, _D.CLUE_DECIDE, _D.CLUE_CLOSE):
        return None
    return Verb(
        "evidence", "补充证据", f"还缺：{'、'.join(missing)}" if missing else "笔录、证明、回函、照片", "paperclip", "evidence",
        data={"kinds": list(labels_of(clue).items())},
    )  # fmt: skip


def _statement(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if not _may(request, clue, _D.CLUE, _D.VISIT, _D.VERIFY):
        return None
    text = "修改或补充当事人的话" if clue.stated else "逐项记下当事人的话，与登记对照"
    return Verb("statement", "登记家庭陈述", text, "speakerphone", href=reverse("web:clue-statement", args=[clue.no]))


def _visit(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    here = reverse("web:clue-visits", args=[clue.no])
    if _may(request, clue, _D.CLUE, _D.CLUE_DECIDE, _D.VISIT) and clue.state != State.CLOSED:
        return Verb("visits", "安排入户", "两人上门；记录签名后一键作为证据", "map-pin", href=here)
    return Verb("visits", "看入户记录", "本条线索的入户任务和所见", "map-pin", href=here)


def labels_of(clue: Clue) -> dict[str, str]:
    """Kinds of evidence a clue knows: what its rule asks for first."""
    said = clue.rule_text.get("evidence")
    own = {str(kind): str(label) for kind, label in said.items()} if isinstance(said, dict) else {}
    wanted = {kind: own.get(kind) or EVIDENCE.get(kind, kind) for kind in clue.required}
    return {**wanted, **own, **{kind: label for kind, label in EVIDENCE.items() if kind not in wanted}}


def _propose(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb:
    locked = _mine(request, clue) or (f"还缺：{'、'.join(missing)}" if missing else "")
    text = "改写已提出的结论" if clue.proposed else "查实或查否，由县级另一人下结论"
    return Verb("propose", "提出结论", text, "edit", "verdict", locked, data={"reasons": list(REFUTED_WHY.items())})


def _extend(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    locked = _mine(request, clue) or ("已延期过一次" if clue.extended else "")
    return Verb("extend", "不能确定，延期一次", "须写理由，期限从今天重新起算", "clock-plus", "reason", locked)


def _decide(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb:
    locked = _without(request, clue, _D.CLUE_DECIDE)
    if not locked and not clue.proposed:
        locked = "责任人尚未提出结论"
    if not locked and request.user.pk in (clue.proposed_by_id, clue.responsible_id):
        locked = "核实、提出结论的人不能下结论，请由另一人办理"
    if not locked and missing:
        locked = f"还缺：{'、'.join(missing)}"
    said = f"建议{clue.get_proposed_display()}；" if clue.proposed else ""
    return Verb(
        "decide", "下结论", f"{said}查实后先停保、再处理；查否即销号", "check", "verdict", locked,
        data={"reasons": list(REFUTED_WHY.items()), "verdict": clue.proposed, "why": clue.refuted_why, "optional": True},
    )  # fmt: skip


def _suspend(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if clue.on_confirmed != "suspend":
        return None
    return Verb(
        "suspend",
        "停保",
        "出具停保告知书，写明理由、条款和救济途径；次月起停",
        "hand-stop",
        "suspend",
        _without(request, clue, _D.CLUE_DECIDE),
    )


def _refute(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    locked = _without(request, clue, _D.CLUE_DECIDE)
    if locked:
        return None
    if request.user.pk in (clue.proposed_by_id, clue.responsible_id):
        locked = "核实的人不能改结论"
    return Verb(
        "refute",
        "改为查否",
        "原查实不成立：销号，已停的补发",
        "x",
        "refute",
        locked,
        data={"reasons": list(REFUTED_WHY.items())},
    )


def _handle(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if clue.state == State.HANDLED and clue.action != Clue.Action.REFER:
        return None
    locked = _without(request, clue, _D.CLUE_DECIDE)
    if not locked and request.user.pk == clue.proposed_by_id:
        locked = "提出结论的人不能处理，请由另一人办理"
    if not locked and clue.state == State.CONFIRMED and clue.on_confirmed == "suspend":
        locked = "先停保、再处理"
    allowed = [(code, label) for code, label in Clue.Action.choices if not clue.outcomes or code in clue.outcomes]
    data: dict[str, Any] = {"actions": allowed, "chosen": clue.default_action}
    if not locked:
        worked = recovery.proposal(clue)
        facts = FactSet.objects.filter(household=clue.household_id, frozen_at__isnull=False).order_by("-id")[:5]
        data |= {
            "recovery": worked.text,
            "fact_sets": [
                (one.pk, f"第 {one.number} 份，{one.as_of:%Y-%m-%d} 的事实（{one.frozen_at:%m-%d} 定稿）")
                for one in facts
            ],
        }
    return Verb("handle", "处理", "停发、减发、追回、移送或说明后保留", "scale", "handle", locked, data=data)


def _check(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb:
    return Verb("check", "复查整改", "第二人核对处理已落实", "clipboard-check", "note", _other(request, clue, "复查"))


def _close(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb:
    return Verb("close", "销号", "与处理人不同；可写后续帮扶", "lock", "close", _other(request, clue, "销号"))


def _other(request: HttpRequest, clue: Clue, what: str) -> str:
    if lack := _without(request, clue, _D.CLUE_CLOSE):
        return lack
    return f"处理人不能{what}，请由另一人办理" if request.user.pk == clue.handled_by_id else ""


def _recover(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    left = (clue.to_recover_fen or 0) - clue.recovered_fen
    if left <= 0 or clue.verdict != Clue.Verdict.CONFIRMED:
        return None
    return Verb(
        "recover",
        "登记追回",
        "家庭退回的钱，凭收据登记",
        "cash",
        "recover",
        _without(request, clue, _D.CLUE_DECIDE),
        data={"left": left},
    )


def _claim(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    left = (clue.to_recover_fen or 0) - clue.recovered_fen
    if left <= 0 or clue.verdict != Clue.Verdict.CONFIRMED:
        return None
    standing = finding_of(clue_claims.ORIGIN, clue.pk)
    if standing is not None and standing.state not in (FindingState.REFUSED, FindingState.REVOKED):
        return None
    months = [str(Month.parse(str(month))) for month, *_ in clue.recovery.get("months", [])]
    return Verb(
        "claim", "立追回事项", "月度发放没有查出的多发，认定以后记账追回", "scale", "claim", _without(request, clue, _D.CLUE_DECIDE),
        data={"left": left, "typed": format_yuan(left, sep=False), "first": months[0] if months else "", "last": months[-1] if months else ""},
    )  # fmt: skip


def _reopen(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    locked = _without(request, clue, _D.CLUE_DECIDE, _D.CLUE_CLOSE)
    if locked:
        return None
    if clue.closed_at is None or not clue.evidence.filter(added_at__gt=clue.closed_at).exists():
        locked = "销号以后没有新的证据，先补充再重开"
    return Verb("reopen", "重开", "有新证据时重新核实，期限重新起算", "refresh", "reason", locked)


def _watch(request: HttpRequest, clue: Clue, missing: Sequence[str]) -> Verb | None:
    if clue.verdict != Clue.Verdict.CONFIRMED or clue.action == Clue.Action.STOP:
        return None  # a stopped family is watched by itself
    if not _may(request, clue, _D.CLUE, _D.CLUE_DECIDE, _D.VISIT):
        return None
    return Verb("watch", "列入后续关注", "软着陆：定期走访，需要时转其他救助", "eye")


Make = Callable[[HttpRequest, Clue, Sequence[str]], Verb | None]
_LOOKING: tuple[Make, ...] = (_propose, _decide, _statement, _visit, _evidence, _extend, _assign)
_BY_STATE: Mapping[str, tuple[Make, ...]] = {
    State.GENERATED: (_receive, _assign, _dismiss, _evidence),
    State.ASSIGNED: (_start, _statement, _visit, _evidence, _assign),
    State.VERIFYING: _LOOKING,
    State.UNDETERMINED: _LOOKING,
    State.CONFIRMED: (_suspend, _handle, _visit, _evidence, _refute),
    State.SUSPENDED: (_handle, _evidence, _refute),
    State.HANDLED: (_check, _recover, _claim, _handle, _evidence, _watch),
    State.RECTIFIED: (_close, _recover, _claim, _evidence, _watch),
    State.CLOSED: (_recover, _claim, _reopen, _evidence, _watch),
}


def answer(request: HttpRequest, clue: Clue) -> HttpResponse:
    """Do what a form of the page asks, and go back to the page."""
    work = _DO.get(posting.text(request, "do", 20))
    if work is None:
        posting.refuse(request, "这个操作现在不能办理，页面可能已过时。请看下面的最新状态。")
    else:
        deed, done = work
        posting.attempt(request, lambda: deed(request, clue), done)
    return posting.back(reverse("web:clue", args=[clue.no]))


def _user(request: HttpRequest) -> Any:
    return request.user


def _do_assign(request: HttpRequest, clue: Clue) -> Any:
    who = posting.text(request, "assign-who", 20)
    people: dict[str, User] = {str(duty.user_id): duty.user for duty in ledger.assignees(_user(request), clue.region)}
    if who not in people:
        raise ClueInputError("责任人", "没有选择，请选一位")
    return clue_actions.assign(clue, responsible=people[who], acting_user=_user(request))


def _do_evidence(request: HttpRequest, clue: Clue) -> Any:
    given = request.FILES.get("evidence-file")
    return clue_actions.add_evidence(
        clue,
        kind=posting.text(request, "evidence-kind", 40),
        title=posting.text(request, "evidence-title", 100),
        text=posting.text(request, "evidence-text", 4000),
        file=stored(request, given, clue.region) if given else None,
        acting_user=_user(request),
    )


def _do_handle(request: HttpRequest, clue: Clue) -> Any:
    chosen = posting.text(request, "handle-facts", 20)
    facts = None
    if chosen.isascii() and chosen.isdigit():
        facts = FactSet.objects.filter(pk=int(chosen), household=clue.household_id).select_related("household").first()
    return clue_actions.handle(
        clue,
        action=posting.text(request, "handle-action", 12),
        text=posting.text(request, "handle-text", 2000),
        to_recover_fen=_fen(request, "handle-recover", "应追回金额"),
        fact_set=facts,
        determination_no=posting.text(request, "handle-determination", 40),
        acting_user=_user(request),
    )


def _fen(request: HttpRequest, name: str, label: str) -> int | None:
    """An amount in yuan as fen; None where nothing is typed. Raises: ClueInputError."""
    typed = posting.text(request, name, 20).replace(",", "").replace("，", "")
    if not typed:
        return None
    try:
        return parse_yuan(typed)
    except TuodiError as error:
        raise ClueInputError(label, f"“{typed}”不是金额，请按元填写，例如 1050.00") from error


def _do_recover(request: HttpRequest, clue: Clue) -> Any:
    fen = _fen(request, "recover-amount", "追回金额")
    if fen is None:
        raise ClueInputError("追回金额", "必须填写")
    return clue_actions.record_recovery(
        clue, amount_fen=fen, receipt=posting.text(request, "recover-receipt", 60), acting_user=_user(request)
    )


def _do_claim(request: HttpRequest, clue: Clue) -> Any:
    fen = _fen(request, "claim-amount", "金额")
    if fen is None:
        raise ClueInputError("金额", "必须填写")
    months = []
    for name, label in (("claim-first", "起始月份"), ("claim-last", "终止月份")):
        typed = posting.text(request, name, 7)
        try:
            months.append(Month.parse(typed))
        except TuodiError as error:
            raise ClueInputError(label, f"“{typed}”不是月份，请按 2017-10 的样子填写") from error
    given: Any = request.FILES.get("claim-paper")
    return clue_claims.propose_claim(
        clue, acting_user=_user(request), amount_fen=fen, first=months[0], last=months[1], reason=posting.text(request, "claim-reason", 500),
        paper=given.read(MAX_PAPER + 1) if given else b"",
    )  # fmt: skip


def _do_suspend(request: HttpRequest, clue: Clue) -> Any:
    typed = posting.text(request, "suspend-month", 7)
    try:
        month = Month.parse(typed) if typed else None
    except TuodiError as error:
        raise ClueInputError("停发起月", f"“{typed}”不是月份，请按 2017-10 的样子填写") from error
    reasons = posting.text(request, "suspend-reasons", 2000)
    return clue_actions.suspend(clue, reasons=reasons, from_month=month, acting_user=_user(request))


_DO: Mapping[str, tuple[Callable[[HttpRequest, Clue], Any], str]] = {
    "assign": (_do_assign, "已派发。"),
    "start": (lambda request, clue: clue_actions.start_verifying(clue, acting_user=_user(request)), "已开始核实。"),
    "evidence": (_do_evidence, "证据已入卷。"),
    "propose": (lambda request, clue: clue_actions.propose(clue, **verdict_of(request, "propose")), "结论已提出，等待县级决定。"),
    "extend": (
        lambda request, clue: clue_actions.undetermined(clue, reason=posting.text(request, "extend-reason", 300), acting_user=_user(request)),
        "已延期一次，期限从今天重新起算。",
    ),
    "decide": (lambda request, clue: clue_actions.decide(clue, **verdict_of(request, "decide")), "结论已下。"),
    "suspend": (_do_suspend, "停保告知书已出具。"),
    "refute": (
        lambda request, clue: clue_actions.refute(
            clue,
            refuted_why=posting.text(request, "refute-why", 40),
            conclusion=posting.text(request, "refute-conclusion", 2000),
            acting_user=_user(request),
        ),
        "已改为查否并销号；停发的月份由下一次发放补发。",
    ),
    "handle": (_do_handle, "处理已登记，等待另一人复查。"),
    "check": (
        lambda request, clue: clue_actions.check(clue, note=posting.text(request, "check-note", 1000), acting_user=_user(request)),
        "复查已登记，可以销号。",
    ),
    "close": (
        lambda request, clue: clue_actions.close(
            clue,
            note=posting.text(request, "close-note", 1000),
            follow_up=posting.text(request, "close-follow", 200),
            acting_user=_user(request),
        ),
        "已销号。",
    ),
    "recover": (_do_recover, "追回已登记。"),
    "claim": (_do_claim, "追回已提出，由发放审批人员审批后记账。"),
    "reopen": (
        lambda request, clue: clue_actions.reopen(clue, reason=posting.text(request, "reopen-reason", 300), acting_user=_user(request)),
        "已重开，请责任人继续核实。",
    ),
    "receive": (lambda request, clue: warning_actions.receive(clue, acting_user=_user(request)), "已签收。"),
    "dismiss": (
        lambda request, clue: warning_actions.dismiss(
            clue, posting.text(request, "dismiss-conclusion", 2000), acting_user=_user(request), why=posting.text(request, "dismiss-why", 40)
        ),
        "已不予立案，计入查否。",
    ),
    "watch": (lambda request, clue: watch.watch(clue, acting_user=_user(request)), "已列入后续关注名单。"),
}  # fmt: skip
