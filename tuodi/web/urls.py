"""Addresses of the pages. Every route but the sign-in page needs a signed-in user (LoginRequiredMiddleware)."""

from __future__ import annotations

from django.urls import path

from tuodi.web import account, style_page

app_name = "web"

urlpatterns = [
    path("login/", account.SignIn.as_view(), name="login"),
    path("logout/", account.SignOut.as_view(), name="logout"),
    path("password/", account.Password.as_view(), name="password"),
    path("display/", account.display, name="display"),
    path("style/", style_page.show, name="style"),
]
