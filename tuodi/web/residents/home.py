"""The first page of residents: what one can look up, what one can do, what is mine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from tuodi.cases.models import Case
from tuodi.decisions.care_kept import kept_by
from tuodi.decisions.models import Determination
from tuodi.kernel.masking import mask_name
from tuodi.web.components import places
from tuodi.web.residents.doors import own
from tuodi.web.residents.progress import road_of, steps_by_case

#: Entries that others add a page for: shown from the moment there is one. (name of the address, icon, words, small words)
DO = (
    ("my-apply", "edit", "申请救助", "最多 17 个问题，可以中途停下，回来接着填"),
    ("my-for-others", "users", "替别人申请", "帮邻居、亲友代办"),
    ("my-objections", "hand-stop", "对公示提意见", "认为公示的情况不对"),
    ("my-complaints", "flag", "投诉", "对办事不满意"),
    ("my-appeals", "scale", "不服决定", "申请行政复议或申诉"),
    ("my-ratings", "check", "评价服务", "好差评"),
)
LOOK_UP = (
    ("my-policies", "file-text", "救助政策", "给谁、给多少、怎么办"),
    ("my-calculator", "help", "我能申请什么", "填几项就知道，不留记录"),
)
MINE = (
    ("my-progress", "list-check", "办理进度", "办到哪一步，下一步什么时候"),
    ("my-messages", "send", "我的消息", "告诉过您的事"),
    ("my-decisions", "file-certificate", "我的认定结果", "多少钱，怎么算的"),
    ("my-payments", "cash", "发放记录", "每个月发了多少"),
    ("my-notices", "speakerphone", "村里的公示", "正在公示的名单"),
    ("my-data", "eye", "谁看过我的信息", "哪个单位、什么时候、为什么"),
)
#: Only for who looks after a tekun person by an agreement.
CARE = (("my-care", "shield-heart", "我照料的人", "照料协议和每个月的补贴"),)


def links(entries: tuple[tuple[str, str, str, str], ...]) -> list[dict[str, str]]:
    """The entries that have a page."""
    found = []
    for name, icon, label, small in entries:
        try:
            found.append({"href": reverse(f"web:{name}"), "icon": icon, "label": label, "small": small})
        except NoReverseMatch:
            continue
    return found


def show(request: HttpRequest) -> HttpResponse:
    """Open to everybody; who has signed in sees his own things first."""
    account = getattr(request, "resident", None)
    context = {
        "account": account,
        "name": mask_name(account.person.name) if account else "",
        "look_up": links(LOOK_UP),
        "mine": links(MINE),
        "do": links(DO),
    }
    if account is not None:
        running = own(Case.objects.filter(decision="", closed_on__isnull=True), request).order_by("-id").first()
        if kept_by(request.subject):  # type: ignore[attr-defined]
            context["mine"] = links(CARE + MINE)
        context["road"] = road_of(running, steps_by_case([running])[running.pk], None) if running else None
        context["decision"] = own(Determination.objects.all(), request).order_by("-decided_on", "-id").first()
        context["village"] = places.path(request.subject.region)  # type: ignore[attr-defined]
    return render(request, "residents/home.html", context)
