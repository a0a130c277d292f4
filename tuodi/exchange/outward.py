"""Where the product may send a request to: addresses of the site's own settings, and never the inside of a machine.

A setting, or an answer of an outside system, may name a host that is this machine or the cloud's own (169.254.169.254): what
is fetched there is not meant for anybody outside (CWE-918). Two locks, therefore: the host must be one the site has named, and
neither it nor what its name resolves to may be loopback, link-local, unspecified or multicast. Private networks are allowed:
the government's own network is one.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from tuodi.exchange.errors import ExchangeError

__all__ = ["ForbiddenAddressError", "check_address", "host_of"]


class ForbiddenAddressError(ExchangeError):
    """An address the product must not call.

    Attributes:
        reason: what is wrong with it, in Chinese, without the address itself.
    """

    code = "exchange.forbidden_address"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"外部地址不能使用：{reason}。请核对系统设置里的地址（见 docs/howto/configure.md）。")


def host_of(url: str) -> str:
    """The host of an address in lower case; empty for what is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def check_address(url: str, *, hosts: Collection[str] = (), local: bool = False) -> str:
    """The address itself, if it may be called.

    Args:
        hosts: the hosts the site has named; empty = the address is itself the setting.
        local: whether this machine may be called, also without TLS: demos and tests, or a site that says so.

    Raises: ForbiddenAddressError. A name that does not resolve passes here and fails at the call.
    """
    try:
        parts: SplitResult = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise ForbiddenAddressError("不是网址") from None
    if not host or parts.scheme not in ("https", "http"):
        raise ForbiddenAddressError("不是 https 地址")
    if parts.username is not None or "\\" in url or any(ord(sign) < 33 for sign in url):
        raise ForbiddenAddressError("地址里有用户名或不该有的符号")
    if hosts and host not in {one.lower() for one in hosts}:
        raise ForbiddenAddressError("主机不在允许的名单里")
    found = _addresses(host, port or (443 if parts.scheme == "https" else 80))
    inside = bool(found) and all(one.is_loopback for one in found)
    if not (local and inside):
        if parts.scheme != "https":
            raise ForbiddenAddressError("不是 https 地址")
        if any(_forbidden(one) for one in found):
            raise ForbiddenAddressError("指向本机或设备内部")
    return url


def _addresses(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        return [_plain(ip_address(host))]
    except ValueError:
        pass
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_plain(ip_address(str(row[4][0]).partition("%")[0])) for row in rows]


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """::ffff:127.0.0.1 is 127.0.0.1."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, IPv4Address) else address


def _forbidden(address: IPv4Address | IPv6Address) -> bool:
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
