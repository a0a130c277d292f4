"""The first page of residents: what one can look up, what one can do, what is mine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def show(request: HttpRequest) -> HttpResponse:
    """Open to everybody; who has signed in sees his own things first."""
    return render(request, "residents/home.html", {"account": getattr(request, "resident", None)})
