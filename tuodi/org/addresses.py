"""Where a request comes from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

__all__ = ["address_of"]


def address_of(request: HttpRequest) -> str:
    """The visitor's address, at most 45 characters; "" where none is known.

    Behind `TUODI_PROXIES` trusted proxies it is the one the outermost of them saw, else that of the connection: limits per
    address would otherwise count a whole prefecture as the proxy. What a visitor writes into the header himself stands
    further left and is not read.
    """
    count = settings.AXES_IPWARE_PROXY_COUNT
    named = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if count and len(named) >= count:
        try:
            return str(ip_address(named[-count]))[:45]
        except ValueError:
            pass
    return str(request.META.get("REMOTE_ADDR", ""))[:45]
