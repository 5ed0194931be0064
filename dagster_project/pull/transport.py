"""One request that is answered whole, or an error in words: pace, retries, renewal, time limits.

What belongs here: HTTP. What does not: which addresses a system has and how it pages (its module).

Nothing raised here has a cause or a context: errors of HTTP libraries carry addresses and headers,
and an address (Bitrix24) or a header is a secret.
"""

from __future__ import annotations

import functools
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    wait_exponential_jitter,
)

from dagster_project import __version__
from dagster_project.errors import PullFailed

LONGEST_WAIT = 900.0
LONGEST_BODY = 256 * 1024 * 1024
_CONNECT_SECONDS = 15.0
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524}


@dataclass(frozen=True)
class Clock:
    """The time as this process sees it; tests bring their own."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Number(str):
    """A number with a point or an exponent, kept as the server wrote it.

    A float would lose digits of money; this is written back unchanged.
    """

    __slots__ = ()


class Secrets:
    """What must not be seen, and a text without it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, *secrets: str | None) -> None:
        """Learn secrets, also in the form that addresses and JSON give them."""
        for secret in secrets:
            if secret:
                forms = {secret, quote(secret, safe=""), secret.replace("/", "\\/")}
                self._known |= forms

    def clean(self, text: str) -> str:
        """Return the text with each secret replaced."""
        for secret in sorted(self._known, key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class Answer:
    """A server's whole answer.

    ``body`` is parsed JSON, None where the answer is empty (204). ``asked_at`` is an instant of
    the SERVER's clock that is not after the sending of the request; None where it says no time.
    """

    status: int
    body: Any
    asked_at: datetime | None


@dataclass(frozen=True)
class Verdict:
    """What an answer means: ``fine``, ``again`` (retry), ``expired`` (renew) or ``refused``."""

    kind: str
    told: str = ""
    wait_seconds: float | None = None


@dataclass(frozen=True)
class Dialect:
    """How a system speaks where it differs from plain HTTP.

    ``judge`` may read an answer's meaning off status and body (None: as HTTP has it); ``instant``
    reads the server's clock off a body (None: the header ``Date``).
    """

    judge: Callable[[int, Any], Verdict | None] = lambda status, body: None
    instant: Callable[[Any], datetime | None] = lambda body: None


@dataclass
class Credentials:
    """What makes requests welcome, and how to renew it.

    ``apply`` returns the request's arguments with the token in its place; ``renew`` asks for
    another token through the function it is given; None where nothing can be renewed.
    """

    apply: Callable[[dict[str, Any]], dict[str, Any]] = lambda request: request
    renew: Callable[[Callable[..., Answer]], None] | None = None
    is_stale: bool = False
    remedy: str = ""


@dataclass(frozen=True)
class _Outcome:
    verdict: Verdict
    answer: Answer | None = None


@dataclass
class Transport:
    """Send requests to one system, one after another.

    Args:
        base_url: The address that paths are appended to; shown in no message.
        shown: What messages call the system ("amocrm at x.amocrm.ru").
        secrets: What to keep out of every text.
    """

    base_url: str
    shown: str
    secrets: Secrets
    credentials: Credentials = field(default_factory=Credentials)
    dialect: Dialect = field(default_factory=Dialect)
    per_second: float = 5.0
    timeout_seconds: float = 60.0
    attempts: int = 6
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[str], None] = lambda text: None

    def __post_init__(self) -> None:
        """Open the client and keep its libraries from logging addresses."""
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.CRITICAL + 1)
        limits = httpx.Timeout(
            self.timeout_seconds, connect=min(_CONNECT_SECONDS, self.timeout_seconds)
        )
        self._client = httpx.Client(
            timeout=limits,
            follow_redirects=False,
            verify=_authorities(),
            trust_env=not is_loopback(self.base_url),
            headers={
                "User-Agent": f"sales-kpi-warehouse/{__version__}",
                "Accept": "application/json",
            },
        )
        self._last_sent: float | None = None
        self._covered: datetime | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def begin_object(self) -> None:
        """Forget the server's time: the next request says when the next object's reading began."""
        self._covered = None

    @property
    def covered_until(self) -> datetime:
        """The server's time at which the reading of this object began.

        Raises:
            PullFailed: No answer said a time; the next pull would not know where to go on.
        """
        if self._covered is None:
            raise PullFailed(
                f"pulling from {self.shown}",
                found="answers without the server's time (header Date)",
                expected="the time, from which the next pull goes on without losing an edit",
                remedy="look whether a proxy in between removes it",
            )
        return self._covered

    def get(self, what: str, path: str, **options: Any) -> Answer:
        """Send GET; see ``send``."""
        return self.send(what, "GET", path, **options)

    def post(self, what: str, path: str, **options: Any) -> Answer:
        """Send POST, which reads as well in these systems; see ``send``."""
        return self.send(what, "POST", path, **options)

    def send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        accept: Iterable[int] = (),
        per_second: float | None = None,
        **request: Any,
    ) -> Answer:
        """Send a request until it is answered.

        Args:
            what: What is asked for, as messages name it; without secrets.
            method: GET or POST.
            path: Appended to the base address.
            accept: Statuses that the caller wants to see although they refuse.
            per_second: A slower pace for this request.
            request: ``params``, ``json``, ``headers``.

        Returns:
            The answer.

        Raises:
            PullFailed: Refused, or still not answered after all attempts.
        """
        self._renew_if(self.credentials.is_stale)
        outcome = self._insist(method, path, request, accept, per_second)
        if outcome.verdict.kind == "expired" and self.credentials.renew:
            self._renew_if(True)
            outcome = self._insist(method, path, request, accept, per_second)
        if outcome.verdict.kind != "fine":
            raise self.failure(what, outcome.verdict)
        assert outcome.answer is not None
        if self._covered is None:
            self._covered = outcome.answer.asked_at
        return outcome.answer

    def failure(self, what: str, verdict: Verdict) -> PullFailed:
        """Return the error that says what was refused, without secrets."""
        remedies = {
            "again": "pull again later: what is in place stays, and it goes on from there",
            "expired": self.credentials.remedy,
            "refused": "put right what the answer names (a right of the token's user, an object of "
            "`objects:`, a field of `fields:`), then pull again",
        }
        return PullFailed(
            f"pulling {what} from {self.shown}",
            found=self.secrets.clean(verdict.told),
            expected="an answer with records",
            remedy=remedies[verdict.kind],
        )

    # -- how a request is sent ---------------------------------------------------------------------

    def _renew_if(self, is_needed: bool) -> None:
        if not (is_needed and self.credentials.renew):
            return

        def ask(method: str, path_or_url: str, **request: Any) -> Answer:
            outcome = self._insist(method, path_or_url, request, (), None, is_renewal=True)
            if outcome.verdict.kind == "fine" and outcome.answer is not None:
                return outcome.answer
            verdict = Verdict("expired", "the token could not be renewed: " + outcome.verdict.told)
            raise self.failure("another token", verdict)

        self.credentials.renew(ask)
        self.credentials.is_stale = False

    def _insist(
        self,
        method: str,
        path: str,
        request: dict[str, Any],
        accept: Iterable[int],
        per_second: float | None,
        *,
        is_renewal: bool = False,
    ) -> _Outcome:
        """Retry what may pass; return the last outcome, whatever it is."""
        retrying = Retrying(
            retry=retry_if_result(lambda outcome: outcome.verdict.kind == "again"),
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            sleep=self.clock.sleep,
            before_sleep=self._say_wait,
            retry_error_callback=lambda state: state.outcome.result(),
        )
        accepted = frozenset(accept)

        def once() -> _Outcome:
            self._keep_pace(per_second)
            welcome = dict(request) if is_renewal else self.credentials.apply(dict(request))
            return self._once(method, path, welcome, accepted, is_renewal)

        return retrying(once)

    def _keep_pace(self, per_second: float | None) -> None:
        pause = 1 / min(self.per_second, per_second or self.per_second)
        if self._last_sent is not None:
            rest = self._last_sent + pause - self.clock.monotonic()
            if rest > 0:
                self.clock.sleep(rest)
        self._last_sent = self.clock.monotonic()

    @staticmethod
    def _wait(state: RetryCallState) -> float:
        asked = state.outcome.result().verdict.wait_seconds
        growing = wait_exponential_jitter(initial=1, max=60, jitter=0.5)(state)
        return growing if asked is None else max(asked, 0.0)

    def _say_wait(self, state: RetryCallState) -> None:
        verdict = state.outcome.result().verdict
        seconds = state.next_action.sleep
        self.tell(self.secrets.clean(f"waiting {seconds:.0f} s: {verdict.told}"))

    def _once(
        self, method: str, path: str, request: dict[str, Any], accept: frozenset[int], plain: bool
    ) -> _Outcome:
        """Send once and say what came of it; raises nothing of the library's."""
        url = path if path.startswith(("http://", "https://")) else self.base_url + path
        began = self.clock.monotonic()
        deadline = began + 10 * self.timeout_seconds
        body = bytearray()
        try:
            with self._client.stream(method, url, **request) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LONGEST_BODY:
                        return _again(f"an answer over {LONGEST_BODY >> 20} MB")
                    if self.clock.monotonic() > deadline:
                        return _again(f"an answer that took over {10 * self.timeout_seconds:.0f} s")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return _again(f"no connection ({error or type(error).__name__})")
        except httpx.TimeoutException:
            return _again(f"no answer within {self.timeout_seconds:g} s")
        except httpx.TransportError as error:
            return _again(f"the connection was dropped ({type(error).__name__})")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            told = f"a request or answer out of order ({type(error).__name__})"
            return _Outcome(Verdict("refused", told))
        elapsed = self.clock.monotonic() - began
        return self._read(response, bytes(body), elapsed, accept, plain)

    def _read(
        self,
        response: httpx.Response,
        raw: bytes,
        elapsed: float,
        accept: frozenset[int],
        plain: bool,
    ) -> _Outcome:
        status = response.status_code
        parsed, is_json = None, True
        if raw.strip():
            try:
                parsed = json.loads(raw.decode("utf-8-sig"), parse_float=Number)
            except (json.JSONDecodeError, UnicodeDecodeError):
                is_json = False
        verdict = None if plain else self.dialect.judge(status, parsed)
        if verdict is None:
            verdict = _plain_verdict(status, parsed, is_json, raw, response.headers)
        if verdict.kind == "again" and verdict.wait_seconds is None:
            wait = retry_after(response.headers.get("retry-after"), response.headers.get("date"))
            verdict = Verdict("again", verdict.told, wait)
        if verdict.kind == "refused" and status in accept:
            verdict = Verdict("fine")
        if verdict.kind == "again" and (verdict.wait_seconds or 0) > LONGEST_WAIT:
            minutes = verdict.wait_seconds / 60
            told = f"{verdict.told}; it asks to come again in {minutes:.0f} minutes"
            return _Outcome(Verdict("refused", told))
        if verdict.kind == "fine" and not is_json:
            return _again("an answer that is no whole JSON")
        asked_at = self.dialect.instant(parsed) or _asked_at(response.headers, elapsed)
        return _Outcome(verdict, Answer(status, parsed, asked_at))


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Return whom this machine trusts; reading the list takes a tenth of a second."""
    return httpx.create_ssl_context()


def _again(told: str) -> _Outcome:
    return _Outcome(Verdict("again", told))


def _plain_verdict(
    status: int, parsed: Any, is_json: bool, raw: bytes, headers: httpx.Headers
) -> Verdict:
    """Read an answer's meaning as HTTP has it."""
    if 200 <= status < 300:
        return Verdict("fine")
    told = f"status {status}: {_said(parsed, is_json, raw)}"
    if 300 <= status < 400:
        host = urlsplit(headers.get("location", "")).hostname or "elsewhere"
        return Verdict("refused", f"status {status}: the address has moved to {host}")
    if status == 401:
        return Verdict("expired", told)
    if status in {414, 431}:
        return Verdict("refused", f"{told}; list fewer names in `fields:`")
    if status in _TRANSIENT:
        return Verdict("again", told)
    return Verdict("refused", told)


def _said(parsed: Any, is_json: bool, raw: bytes) -> str:
    """Return what an answer says of itself, in short."""
    if is_json and parsed is not None:
        text = json.dumps(parsed, ensure_ascii=False)
    else:
        text = " ".join(raw.decode("utf-8", "replace").split())
    return text[:400] or "no text"


def retry_after(header: str | None, date: str | None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for: a number, or an instant after ``Date``."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    until, now = _instant(header), _instant(date)
    return max((until - now).total_seconds(), 0.0) if until and now else None


def _asked_at(headers: httpx.Headers, elapsed: float) -> datetime | None:
    """Return an instant of the server's clock at or before the sending.

    ``Date`` is when the answer was made, cut to the second; the request left at most ``elapsed``
    earlier.
    """
    made = _instant(headers.get("date"))
    return made - timedelta(seconds=elapsed) if made else None


def _instant(header: str | None) -> datetime | None:
    """Return the instant of an HTTP date; None where it is none."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None


def is_loopback(url: str) -> bool:
    """Tell an address of this very machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
