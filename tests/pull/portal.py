"""A system's API on this machine, with a clock of its own and faults on demand.

What belongs here: the server, and what a fault is. What does not: how a system answers (systems).
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Reply:
    """One answer; ``cut`` closes the connection in the middle of it.

    ``silent`` seconds pass before it begins; ``drip`` seconds between its bytes.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: float = 0
    drip: float = 0


@dataclass
class Fault:
    """An answer instead of the true one, for the requests it is about, a number of times."""

    reply: Reply | None
    about: Callable[[Request], bool]
    times: int
    skip: int = 0


class Portal:
    """The server of one system: answers one request after another and counts them.

    ``now`` is the server's clock. ``after(n, do)`` runs something after the n-th answered request
    that ``about`` accepts: an edit made while somebody pages.
    """

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self._actions: list[tuple[int, Callable[[Request], bool], Callable[[], None]]] = []
        self.url = ""

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def fault(
        self,
        reply: Reply | None,
        about: Callable[[Request], bool] = lambda request: True,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        self.faults.append(Fault(reply, about, times, skip))

    def after(self, number: int, about: Callable[[Request], bool], do: Callable[[], None]) -> None:
        self._actions.append((number, about, do))

    def asked(self, about: Callable[[Request], bool]) -> list[Request]:
        return [request for request in self.requests if about(request)]

    def handle(self, request: Request) -> Reply:
        self.requests.append(request)
        for fault in self.faults:
            if fault.times and fault.about(request):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                reply = fault.reply
                if reply is None or reply.cut:
                    whole = self.answer(request)
                    return Reply(whole.status, whole.body, whole.headers, cut=True)
                return reply
        reply = self.answer(request)
        for number, about, do in list(self._actions):
            if about(request) and len(self.asked(about)) == number:
                self._actions.remove((number, about, do))
                do()
        return reply

    @contextlib.contextmanager
    def serve(self) -> Iterator[Portal]:
        handler = type("Handler", (_Handler,), {"portal": self})
        server = _Server(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        assert server.broken == []


class _Server(ThreadingHTTPServer):
    """A server that keeps its own faults for the test to see; askers may go as they like."""

    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.broken: list[BaseException | None] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.broken.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet
    portal: Portal

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def _do(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.headers.get("content-type", "")
        body: Any = None
        if raw:
            body = json.loads(raw) if "json" in kind else dict(parse_qsl(raw.decode()))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        reply = self.portal.handle(Request(self.command, parts.path, query, body, headers))
        time.sleep(reply.silent)
        data = b""
        if isinstance(reply.body, bytes):
            data = reply.body
        elif reply.body is not None:
            data = json.dumps(reply.body, ensure_ascii=False).encode()
        self.send_response_only(reply.status)
        headers = {"Date": format_datetime(self.portal.now, usegmt=True), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if reply.cut:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the asker has gone
            for byte in data if reply.drip else ():
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(reply.drip)
            self.wfile.write(b"" if reply.drip else data)
            self.wfile.flush()


class Hands:
    """A clock that tests turn: sleeping takes no time, and it runs ahead of the server's."""

    def __init__(self, portal: Portal, ahead: timedelta = timedelta(hours=3)) -> None:
        self.portal, self.ahead = portal, ahead
        self.slept: list[float] = []
        self._passed = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._passed += seconds
        self.portal.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self._passed

    def now(self) -> datetime:
        return self.portal.now + self.ahead
