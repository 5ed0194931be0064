"""One pull of one source, from settings to files in place.

What belongs here: the order of things, and what a pull says of itself. What does not: HTTP, the
systems' lists (their modules), how the summary is printed (cli).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from dagster_project.configuration import PULLED_SYSTEMS, PullConfig
from dagster_project.errors import WorkspaceError
from dagster_project.lock import holding
from dagster_project.pull import amocrm, bitrix24, hubspot, salesforce
from dagster_project.pull.credentials import Vault, bearer, in_body, webhook_of
from dagster_project.pull.delivery import Cursor, Delivery
from dagster_project.pull.reading import NotThere, Reading
from dagster_project.pull.transport import Clock, Credentials, Secrets, Transport, is_loopback
from dagster_project.settings import Workspace

_SYSTEMS: dict[str, ModuleType] = {
    "amocrm": amocrm,
    "bitrix24": bitrix24,
    "hubspot": hubspot,
    "salesforce": salesforce,
}
_DOING = "preparing a pull"


@dataclass(frozen=True)
class Pulled:
    """What was read of one object.

    ``since`` is None where everything was read; ``path`` is None where nothing came; ``absent``
    says why an object was passed over.
    """

    name: str
    records: int = 0
    since: datetime | None = None
    covered_until: datetime | None = None
    path: Path | None = None
    absent: str | None = None


@dataclass
class Summary:
    """What a pull did."""

    source_name: str
    system: str
    account: str
    folder: Path
    objects: list[Pulled] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Records of all objects."""
        return sum(pulled.records for pulled in self.objects)

    @property
    def files(self) -> list[Path]:
        """Files in place."""
        return [pulled.path for pulled in self.objects if pulled.path]

    def told(self) -> dict[str, Any]:
        """Return it as a person or a program reads it."""
        rows = [
            {
                "object": pulled.name,
                "records": pulled.records,
                "changed_since": _instant(pulled.since) or pulled.absent or "everything",
                "covered_until": _instant(pulled.covered_until),
                "file": pulled.path.name if pulled.path else None,
            }
            for pulled in self.objects
        ]
        return {
            "source": self.source_name,
            "system": self.system,
            "account": self.account,
            "folder": str(self.folder) if self.files else None,
            "records": self.records,
            "files": len(self.files),
            "objects": rows,
        }


def pull_source(
    workspace: Workspace,
    source_name: str,
    *,
    is_full: bool = False,
    tell: Callable[[str], None] = lambda text: None,
    clock: Clock | None = None,
) -> Summary:
    """Ask a source's system for what changed and lay it down as one delivery.

    Args:
        workspace: The workspace.
        source_name: The source, as workspace.yml names it.
        is_full: Read everything, not only what changed since the last pull.
        tell: Takes a line of progress.
        clock: The time; tests bring their own.

    Returns:
        What was read, object by object.

    Raises:
        WorkspaceError: Settings or secrets do not suffice; nothing was asked.
        PullFailed: The system did not answer as documented. Objects read before it are in place
            and the next pull goes on from them.
        WarehouseBusy: Another pull of this source is under way.
    """
    config = _config(workspace, source_name)
    system = workspace.config.sources[source_name].system
    lock = workspace.state / "pull" / f"{source_name}.lock"
    with holding(lock, f"the pull of `{source_name}`", f"pull `{source_name}`"):
        transport = _connect(workspace, source_name, config, tell, clock or Clock())
        try:
            return _pull(workspace, source_name, system, transport, config, is_full)
        finally:
            transport.close()


def _pull(
    workspace: Workspace,
    source_name: str,
    system: str,
    transport: Transport,
    config: PullConfig,
    is_full: bool,
) -> Summary:
    module = _SYSTEMS[system]
    account = urlsplit(transport.base_url).netloc
    if not is_full and _absence_deletes(workspace, source_name):
        transport.tell("`delivery: full` means that absence deletes: everything is read")
        is_full = True
    path = workspace.state / "pull" / f"{source_name}.json"
    cursor = Cursor.read(path, account, is_full=is_full)
    folder = workspace.source_folder(source_name)
    delivery = Delivery(folder, transport.clock.now(), transport.secrets)
    reading = Reading(transport, config.page_size, config.fields)
    summary = Summary(source_name, system, account, delivery.path)
    overlap = timedelta(minutes=config.overlap_minutes)
    try:
        for name in config.objects or module.OBJECTS:
            kind = name.partition(":")[0]
            fields = config.fields.get(kind)
            covered = cursor.covered_until(name, folder, fields)
            since = covered - overlap if covered and kind not in module.WHOLE else None
            try:
                pulled = _pull_object(module, reading, delivery, name, since)
            except NotThere as absence:
                if config.objects:
                    raise WorkspaceError(
                        "reading `objects:` of a source",
                        found=str(absence),
                        where=f"sources.{source_name}.pull.objects",
                        remedy="take it out, or give the token's user the right to see it",
                    ) from None
                pulled = Pulled(name, absent=str(absence))
                transport.tell(f"{name}: passed over, {absence}")
            if pulled.covered_until:
                file = pulled.path.relative_to(folder).as_posix() if pulled.path else None
                is_whole = pulled.since is None
                until = pulled.covered_until
                cursor.advance(name, until, is_whole=is_whole, file=file, fields=fields)
            summary.objects.append(pulled)
    finally:
        delivery.drop_unfinished()
    return summary


def _pull_object(
    module: ModuleType, reading: Reading, delivery: Delivery, name: str, since: datetime | None
) -> Pulled:
    transport = reading.transport
    transport.begin_object()
    with delivery.file(name.replace(":", ".")) as lines:
        for number, page in enumerate(module.pages(reading, name, since), start=1):
            lines.write(page)
            if number % 20 == 0:
                transport.tell(f"{name}: {lines.count} records so far")
        covered_until = transport.covered_until
    transport.tell(f"{name}: {lines.count} records")
    return Pulled(name, lines.count, since, covered_until, lines.path)


def _absence_deletes(workspace: Workspace, source_name: str) -> bool:
    source = workspace.config.sources[source_name]
    kinds = {source.delivery, *(mapping.delivery for mapping in source.entities.values())}
    return "full" in kinds


def _instant(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


# -- settings --------------------------------------------------------------------------------------


def _config(workspace: Workspace, source_name: str) -> PullConfig:
    sources = workspace.config.sources
    if source_name not in sources:
        raise WorkspaceError(
            _DOING,
            found=f"no source `{source_name}`",
            expected=f"one of: {', '.join(sources)}",
            where="workspace.yml: sources",
        )
    source = sources[source_name]
    if source.pull is None:
        raise WorkspaceError(
            _DOING,
            found=f"a source of system `{source.system}` without `pull:`",
            expected=f"`pull: {{}}` at least, in a source of: {', '.join(PULLED_SYSTEMS)}",
            where=f"workspace.yml: sources.{source_name}",
            remedy="pulling is off by default: add the line where the API is to be asked",
        )
    return source.pull


def _connect(
    workspace: Workspace,
    source_name: str,
    config: PullConfig,
    tell: Callable[[str], None],
    clock: Clock,
) -> Transport:
    system = workspace.config.sources[source_name].system
    module = _SYSTEMS[system]
    secrets = Secrets()
    vault = Vault(workspace, source_name, secrets)
    credentials: Credentials
    if system == "bitrix24":
        webhook = webhook_of(vault)
        if webhook is not None:
            base_url = webhook
            credentials = Credentials(remedy=_webhook_remedy(vault))
        elif config.base_url is None:
            raise vault.missing(
                f"a webhook's address in the variable {vault.name('WEBHOOK')}",
                _webhook_remedy(vault),
            )
        else:
            base_url = _root(config, source_name, None) + "/rest"
            credentials = in_body(vault, config)
    else:
        root = _root(config, source_name, getattr(module, "BASE_URL", None))
        credentials = bearer(vault, config, system, root)
        version = config.api_version or getattr(module, "API_VERSION", "")
        base_url = f"{root}/services/data/{version}" if system == "salesforce" else root
    _check_scheme(base_url, source_name)
    return Transport(
        base_url=base_url,
        shown=f"{system} at {urlsplit(base_url).hostname}",
        secrets=secrets,
        credentials=credentials,
        dialect=module.dialect(),
        per_second=config.rate_limit_per_second or module.PER_SECOND,
        timeout_seconds=config.timeout_seconds,
        attempts=config.attempts,
        clock=clock,
        tell=tell,
    )


def _webhook_remedy(vault: Vault) -> str:
    return (
        f"give the address of an inbound webhook with the rights crm and user in the variable "
        f"{vault.name('WEBHOOK')}, or: {vault.keyring_line('WEBHOOK')}"
    )


def _root(config: PullConfig, source_name: str, default: str | None) -> str:
    """Return the system's address: scheme and host, nothing that could be a secret."""
    given = config.base_url or default
    where = f"workspace.yml: sources.{source_name}.pull.base_url"
    if given is None:
        raise WorkspaceError(
            _DOING,
            found="no base_url",
            expected="the account's address, such as https://NAME.amocrm.ru",
            where=where,
        )
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?/?", given):
        raise WorkspaceError(
            _DOING,
            found="an address with more than scheme and host (not shown: it may hold a secret)",
            expected="https://HOST and nothing after it; a webhook's address goes into a variable",
            where=where,
            remedy="shorten it, and renew a webhook or token that stood in this file",
        )
    return given.rstrip("/")


def _check_scheme(base_url: str, source_name: str) -> None:
    if base_url.startswith("https://") or is_loopback(base_url):
        return
    raise WorkspaceError(
        _DOING,
        found="an address with http",
        expected="https, as secrets travel with each request",
        where=f"sources.{source_name}",
    )
