"""How every simulator runs: until it is interrupted or, attached, until whoever started it is gone."""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer


def run(server: ThreadingHTTPServer, *, attached: bool = False) -> None:
    """Serves. `attached`: ends with its standard input, however its starter went."""
    if attached:
        threading.Thread(target=_end_with_starter, args=(server,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _end_with_starter(server: ThreadingHTTPServer) -> None:
    while sys.stdin.read(1):
        pass
    server.shutdown()
