"""Signing in and out, the password, and the type size."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from tuodi.kernel import clock
from tuodi.org import factor_actions, session_actions
from tuodi.web.accounts import entry

_YEAR_SECONDS = 365 * 24 * 3600


class SignInForm(AuthenticationForm):
    """Account and password."""

    error_messages = {
        "invalid_login": "账号或密码不正确。请核对后重新输入，注意大小写；连续输错 5 次将锁定 15 分钟。",
        "inactive": "账号已停用。请联系本单位系统管理员。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "账号"
        self.fields["password"].label = "密码"
        for name, hint in (("username", "username"), ("password", "current-password")):
            self.fields[name].widget.attrs["autocomplete"] = hint
            self.fields[name].error_messages["required"] = "不能为空，请填写。"


class NewPasswordForm(PasswordChangeForm):
    """The old password once, the new one twice."""

    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_incorrect": "与现在的密码不一致，请重新输入。",
        "password_mismatch": "两次输入的新密码不一致，请重新输入。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {"old_password": "现在的密码", "new_password1": "新密码", "new_password2": "再输一次新密码"}
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].error_messages["required"] = "不能为空，请填写。"
        self.fields["new_password1"].help_text = "至少 10 位，含大写字母、小写字母、数字、符号中的三类。"
        self.fields["new_password2"].help_text = ""

    def save(self, commit: bool = True) -> Any:
        """Also note when it was changed, so that a forced change counts as done."""
        self.user.must_change_password = False
        self.user.password_changed_at = clock.now()
        return super().save(commit)


@method_decorator(login_not_required, name="dispatch")
class SignIn(views.LoginView):
    """The sign-in page."""

    template_name = "account/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Who has a second factor is asked for it before he is signed in."""
        user = form.get_user()
        if factor_actions.confirmed(user) is None:
            return super().form_valid(form)
        entry.wait_for_code(self.request, user, self.get_redirect_url())
        return HttpResponseRedirect(str(reverse_lazy("web:login-code")))

    def get_success_url(self) -> str:
        """A forced password change comes before anything else."""
        if getattr(self.request.user, "must_change_password", False):
            return str(reverse_lazy("web:password"))
        return super().get_success_url()


class SignOut(views.LogoutView):
    """Ends the session; the answer is the sign-in page. Browsers are told to forget what pages kept on the device."""

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        """Visits kept for sending later go with the session, and so does the worker that would show them."""
        response = super().dispatch(*args, **kwargs)
        response["Clear-Site-Data"] = '"storage"'
        return response


class Password(views.PasswordChangeView):
    """Changing one's own password."""

    template_name = "account/password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("web:workbench")

    def form_valid(self, form: forms.Form) -> HttpResponse:
        """Tells that it worked."""
        from django.contrib import messages

        before = self.request.session.session_key
        answer = super().form_valid(form)
        session_actions.note_own_password(self.request, before)
        messages.success(self.request, "密码已修改，其他设备上的登录已失效。")
        return answer


@login_not_required
@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Switches between normal and large type; kept in a cookie that names nobody."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    if request.COOKIES.get("tuodi_type") == "large":
        response.delete_cookie("tuodi_type")
    else:
        response.set_cookie(
            "tuodi_type",
            "large",
            max_age=_YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
