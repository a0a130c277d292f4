"""Where a request comes from."""

from __future__ import annotations

from axes.helpers import get_client_ip_address
from django.http import HttpRequest

__all__ = ["address_of"]


def address_of(request: HttpRequest) -> str:
    """The visitor's address, at most 45 characters; "" where none is known.

    Behind `TUODI_PROXIES` trusted proxies it is the one they name, else that of the connection: limits per address would
    otherwise count a whole prefecture as the proxy. A header nobody trusts is not read.
    """
    return str(get_client_ip_address(request) or request.META.get("REMOTE_ADDR", ""))[:45]
