"""Form of a data source: whose register it is, the agreement, how it comes. Adding one, and changing its terms."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from tuodi.crypto.sm2 import check_public
from tuodi.exchange.live import live_kinds
from tuodi.exchange.registers import KINDS, register_profiles
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.org import access
from tuodi.org.models import DutyCode
from tuodi.verification import register_actions
from tuodi.verification.models import DataSource
from tuodi.verification.register_queries import access_source
from tuodi.web.components import posting

__all__ = ["SourceForm", "change", "save"]

#: Terms that may be changed later; kind and code stay.
TERMS = (
    "label", "department", "agreement_no", "agreed_on", "mode", "profile", "service", "reply_key", "needs_consent",
    "quota_per_day", "freshness_days", "retention_days", "contact", "note",
)  # fmt: skip
#: What an action's refusal calls a field -> the field.
_FIELDS = {
    "代码": "code", "登记种类": "kind", "名称和部门": "label", "天数": "freshness_days", "每日限额": "quota_per_day",
    "文件模板": "profile", "接口名": "service", "验签公钥": "reply_key",
}  # fmt: skip
_DAYS = {
    "required": "请填写天数。",
    "invalid": "请填写整数。",
    "min_value": "天数应大于 0。",
    "max_value": "天数不能超过 3650。",
}


class SourceForm(forms.Form):
    """A source. `kind` and `code` are asked once."""

    kind = forms.ChoiceField(
        label="登记种类", choices=list(KINDS.items()), error_messages={"required": "请选择登记种类。", "invalid_choice": "请选择登记种类。"}
    )  # fmt: skip
    code = forms.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,39}$", label="代码", help_text="小写字母和数字，如 vehicle、bank-2",
        error_messages={"required": "请填写代码，如 vehicle。", "invalid": "代码只能用小写字母、数字、短横和下划线。"},
    )  # fmt: skip
    label = forms.CharField(label="名称", max_length=60, error_messages={"required": "请填写名称。"})
    department = forms.CharField(label="部门", max_length=60, error_messages={"required": "请填写部门。"})
    agreement_no = forms.CharField(label="协议文号", max_length=80, required=False)
    agreed_on = forms.DateField(
        label="签订日期", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "请填写日期，如 2017-06-12。"},
    )  # fmt: skip
    mode = forms.ChoiceField(
        label="方式", choices=DataSource.Mode.choices, initial=DataSource.Mode.BATCH,
        help_text="批量文件要选模板；实时接口要填接口名", error_messages={"required": "请选择方式。", "invalid_choice": "请选择方式。"},
    )  # fmt: skip
    profile = forms.ChoiceField(
        label="文件模板", required=False, error_messages={"invalid_choice": "没有这个模板，请重新选择。"}
    )
    service = forms.RegexField(
        r"^[A-Za-z0-9_-]{1,40}$", label="接口名", required=False, help_text="部门服务在网关上的名称，如 vehicle",
        error_messages={"invalid": "接口名只能用字母、数字、短横和下划线，最多 40 个。"},
    )  # fmt: skip
    reply_key = forms.CharField(
        label="验签公钥", required=False, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="部门的 SM2 公钥，130 位十六进制，04 开头；不填表示协议约定答复不签名",
    )  # fmt: skip
    needs_consent = forms.BooleanField(label="须逐人授权（依法可以直接核对的不勾）", required=False, initial=True)
    quota_per_day = forms.IntegerField(
        label="每日限额", required=False, min_value=0, max_value=100_000_000, help_text="每天最多询问多少人次；不填表示没有约定",
        error_messages={"invalid": "请填写整数。", "min_value": "每日限额不能是负数。", "max_value": "每日限额过大。"},
    )  # fmt: skip
    freshness_days = forms.IntegerField(
        label="有效天数",
        required=False,
        min_value=1,
        max_value=3650,
        help_text="数据超过这些天算陈旧；不填按模板的约定，没有模板的 90 天",
        error_messages=_DAYS,
    )
    retention_days = forms.IntegerField(
        label="保存天数", initial=90, min_value=1, max_value=3650, help_text="到期销毁，命中保留", error_messages=_DAYS
    )
    contact = forms.CharField(label="联系方式", max_length=100, required=False)
    note = forms.CharField(label="说明", max_length=200, required=False)

    def __init__(self, *args: Any, source: DataSource | None = None, **kwargs: Any) -> None:
        if source is not None:
            kwargs["initial"] = {name: getattr(source, name) for name in TERMS}
        super().__init__(*args, **kwargs)
        self.source = source
        profiles = [(name, profile.label) for name, profile in register_profiles().items()]
        if source is not None:
            del self.fields["kind"], self.fields["code"]
            if source.profile and source.profile not in dict(profiles):
                profiles.append((source.profile, source.profile))
        self.fields["profile"].choices = [("", "不用文件"), *profiles]

    def clean_agreed_on(self) -> Any:
        """Not a day that has not come."""
        day = self.cleaned_data["agreed_on"]
        if day is not None and day > clock.today():
            raise forms.ValidationError("签订日期不能在今天之后。")
        return day

    def clean_reply_key(self) -> str:
        """A point of the curve: a key with one wrong digit would refuse every reply."""
        text = re.sub(r"\s+", "", self.cleaned_data["reply_key"]).lower()
        if text and not re.fullmatch(r"04[0-9a-f]{128}", text):
            raise forms.ValidationError(
                f"不是有效的 SM2 公钥：现有 {len(text)} 位，应为 130 位十六进制、04 开头。请向部门核对后整段粘贴。"
            )
        if text and not check_public(bytes.fromhex(text)):
            raise forms.ValidationError("不是有效的 SM2 公钥：其中有数字抄错。请向部门核对后整段粘贴。")
        return text

    def clean(self) -> dict[str, Any]:
        """What a mode needs."""
        data: dict[str, Any] = super().clean() or {}
        mode = data.get("mode")
        kind = self.source.kind if self.source else data.get("kind")
        if mode == DataSource.Mode.BATCH and not data.get("profile") and "profile" not in self.errors:
            self.add_error("profile", "批量文件要选择文件模板。")
        if mode == DataSource.Mode.REAL_TIME:
            if not data.get("service") and "service" not in self.errors:
                self.add_error("service", "实时接口要填写接口名。")
            if kind and kind not in live_kinds():
                self.add_error("mode", f"“{KINDS.get(kind, kind)}”还没有实时接口的模板，请先改用批量文件或人工函询。")
        profile = register_profiles().get(data.get("profile") or "")
        if profile is not None and kind and profile.kind != kind:
            self.add_error("profile", f"这是{KINDS[profile.kind]}的模板，来源是{KINDS.get(kind, kind)}。")
        return data


def save(request: HttpRequest, form: SourceForm) -> DataSource | None:
    """Adds or changes what a valid form says; a refusal becomes an error of its field, and the answer is None."""
    data = dict(form.cleaned_data)
    if data["freshness_days"] is None:
        del data["freshness_days"]  # the profile's own, or as it stands
    try:
        if form.source is None:
            place = request.user.office.place_code  # type: ignore[union-attr]
            return register_actions.add_source(acting_user=request.user, place_code=place, **data)  # type: ignore[arg-type]
        return register_actions.change_source(form.source, acting_user=request.user, **data)  # type: ignore[arg-type]
    except TuodiError as error:
        name = _FIELDS.get(str(error.fields.get("field", "")))
        form.add_error(name if name in form.fields else None, str(error))
        return None


def change(request: HttpRequest, pk: int) -> HttpResponse:
    """The terms of one source in a form of their own."""
    source = access_source(request.user, pk)  # type: ignore[arg-type]
    access.require(request.user, DutyCode.SWEEP, pad12(source.place_code))  # type: ignore[arg-type]
    form = SourceForm(request.POST or None, source=source)
    if request.method == "POST" and form.is_valid() and save(request, form) is not None:
        posting.succeed(request, "已保存，更改前后的内容都记入日志。")
        return posting.back(reverse("web:source", args=[source.pk]))
    context = {"source": source, "kind": KINDS.get(source.kind, source.kind), "form": form}
    return render(request, "county/source_change.html", context)
