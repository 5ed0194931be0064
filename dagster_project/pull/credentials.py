"""Which secrets a system takes, where they stand in a request, and how they are renewed.

What belongs here: tokens and OAuth. What does not: reading the environment or the keyring
(settings), sending (transport).

A refresh token that changes with each renewal (amoCRM, Bitrix24) is kept in the keyring only: a
variable cannot take the new one, and a secret stands in no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dagster_project.configuration import PullConfig
from dagster_project.errors import WorkspaceError
from dagster_project.pull.transport import Answer, Credentials, Secrets
from dagster_project.settings import (
    Workspace,
    keep_secret,
    kept_secret,
    pull_secret,
    secret_name,
    secret_service,
)

_BITRIX24_OAUTH = "https://oauth.bitrix24.tech/oauth/token/"


@dataclass
class Vault:
    """The secrets of one source."""

    workspace: Workspace
    source_name: str
    secrets: Secrets

    def read(self, kind: str) -> str | None:
        """Return a secret and remember not to show it."""
        found = pull_secret(self.workspace, self.source_name, kind)
        self.secrets.add(found)
        return found

    def is_kept(self, kind: str) -> bool:
        """Tell whether the keyring holds a secret, and would take another in its place."""
        kept = kept_secret(self.workspace, self.source_name, kind)
        self.secrets.add(kept)
        return bool(kept) and keep_secret(self.workspace, self.source_name, kind, kept)

    def keep(self, kind: str, secret: str) -> bool:
        """Put a secret into the keyring."""
        return keep_secret(self.workspace, self.source_name, kind, secret)

    def name(self, kind: str) -> str:
        """Return the variable's name of a secret."""
        return secret_name(self.source_name, kind)

    def missing(self, expected: str, remedy: str) -> WorkspaceError:
        """Return the error that says which secret is lacking and how to give it."""
        return WorkspaceError(
            "looking for the secrets of a source",
            found="none in the environment, none in a keyring",
            expected=expected,
            where=f"sources.{self.source_name}",
            remedy=remedy,
        )

    def keyring_line(self, kind: str) -> str:
        """Return the command that puts a secret into the keyring."""
        return f'keyring set "{secret_service(self.workspace)}" {self.name(kind)}'


def webhook_of(vault: Vault) -> str | None:
    """Return a Bitrix24 webhook's address, which is a secret as a whole.

    Raises:
        WorkspaceError: It is no such address; its text is not shown.
    """
    given = vault.read("WEBHOOK")
    if given is None:
        return None
    match = re.fullmatch(r"(https?://[^/\s?#]+)/rest/(\d+)/([A-Za-z0-9]+)/?", given)
    if not match:
        raise WorkspaceError(
            "reading a webhook",
            found="something else (not shown, as it is a secret)",
            expected="an address such as https://PORTAL/rest/USER/CODE/",
            where=f"environment or keyring: {vault.name('WEBHOOK')}",
            remedy="copy it from the portal: Developer resources, Inbound webhook",
        )
    vault.secrets.add(given.rstrip("/"), match.group(3))
    return given.rstrip("/")


def bearer(vault: Vault, config: PullConfig, system: str, root: str) -> Credentials:
    """Return credentials that go as a bearer token, renewed as the system documents it.

    Args:
        vault: The source's secrets.
        config: The source's ``pull``.
        system: ``amocrm``, ``salesforce`` or ``hubspot``.
        root: The system's address, at which tokens are renewed.

    Raises:
        WorkspaceError: Secrets are missing, or could not be kept after a renewal.
    """
    holder = _Token(vault, vault.read("TOKEN"))

    def apply(request: dict[str, Any]) -> dict[str, Any]:
        headers = {**request.get("headers", {}), "Authorization": f"Bearer {holder.value}"}
        return {**request, "headers": headers}

    renew = {"amocrm": _amocrm, "salesforce": _salesforce, "hubspot": _hubspot}[system](
        vault, config, holder, root
    )
    return _credentials(vault, holder, apply, renew)


def in_body(vault: Vault, config: PullConfig) -> Credentials:
    """Return credentials that go as ``auth`` in the body: OAuth of Bitrix24."""
    holder = _Token(vault, vault.read("TOKEN"))

    def apply(request: dict[str, Any]) -> dict[str, Any]:
        return {**request, "json": {**request.get("json", {}), "auth": holder.value}}

    def ask(send: Callable[..., Answer], refresh: str, secret: str) -> Answer:
        fields = _grant(config, secret, refresh)
        return send("GET", _BITRIX24_OAUTH, params=fields)  # as documented, in the query

    return _credentials(vault, holder, apply, _rotating(vault, config, holder, ask))


@dataclass
class _Token:
    """The access token in use."""

    vault: Vault
    value: str | None

    def take(self, answer: Answer) -> dict[str, Any]:
        """Use the token of an answer."""
        body = answer.body if isinstance(answer.body, dict) else {}
        for key in ("access_token", "refresh_token"):
            if isinstance(body.get(key), str):
                self.vault.secrets.add(body[key])
        if not isinstance(body.get("access_token"), str):
            raise WorkspaceError(
                "renewing a token",
                found="an answer without access_token",
                where=f"sources.{self.vault.source_name}",
                remedy="look whether base_url and client_id are those of the integration",
            )
        self.value = body["access_token"]
        return body


def _credentials(
    vault: Vault,
    holder: _Token,
    apply: Callable[[dict[str, Any]], dict[str, Any]],
    renew: Callable[[Callable[..., Answer]], None] | None,
) -> Credentials:
    token = vault.name("TOKEN")
    remedy = (
        f"give a token that is valid, with the right to read what is pulled, in the variable "
        f"{token}, or: {vault.keyring_line('TOKEN')}"
    )
    if holder.value is None and renew is None:
        raise vault.missing(f"a token in the variable {token}", remedy)
    return Credentials(apply, renew, is_stale=holder.value is None, remedy=remedy)


def _amocrm(
    vault: Vault, config: PullConfig, holder: _Token, root: str
) -> Callable[..., None] | None:
    def ask(send: Callable[..., Answer], refresh: str, secret: str) -> Answer:
        fields = _grant(config, secret, refresh) | {"redirect_uri": config.redirect_uri or ""}
        return send("POST", root + "/oauth2/access_token", json=fields)

    return _rotating(vault, config, holder, ask)


def _salesforce(
    vault: Vault, config: PullConfig, holder: _Token, root: str
) -> Callable[..., None] | None:
    secret = vault.read("CLIENT_SECRET")
    if secret is None or config.client_id is None:
        return None

    def renew(send: Callable[..., Answer]) -> None:
        fields = {
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": secret,
        }
        holder.take(send("POST", root + "/services/oauth2/token", data=fields))

    return renew


def _hubspot(
    vault: Vault, config: PullConfig, holder: _Token, root: str
) -> Callable[..., None] | None:
    secret, refresh = vault.read("CLIENT_SECRET"), vault.read("REFRESH_TOKEN")
    if secret is None or refresh is None or config.client_id is None:
        return None

    def renew(send: Callable[..., Answer]) -> None:
        holder.take(send("POST", root + "/oauth/v1/token", data=_grant(config, secret, refresh)))

    return renew


def _rotating(
    vault: Vault,
    config: PullConfig,
    holder: _Token,
    ask: Callable[[Callable[..., Answer], str, str], Answer],
) -> Callable[..., None] | None:
    """Return the renewal of a system that gives another refresh token each time."""
    secret = vault.read("CLIENT_SECRET")
    if secret is None or config.client_id is None:
        return None

    def renew(send: Callable[..., Answer]) -> None:
        if not vault.is_kept("REFRESH_TOKEN"):
            raise vault.missing(
                "a refresh token in a keyring that can be written: each renewal gives another one, "
                "which a variable cannot take",
                f"give a long-lived token in {vault.name('TOKEN')}, or: "
                + vault.keyring_line("REFRESH_TOKEN"),
            )
        spent = kept_secret(vault.workspace, vault.source_name, "REFRESH_TOKEN")
        body = holder.take(ask(send, str(spent), secret))
        fresh = body.get("refresh_token")
        is_safe = isinstance(fresh, str) and vault.keep("REFRESH_TOKEN", fresh)
        if not (is_safe and vault.keep("TOKEN", str(holder.value))):
            raise WorkspaceError(
                "keeping a renewed token",
                found="a keyring that does not take it, or an answer without a refresh token",
                expected="both tokens in the keyring; the former refresh token is spent",
                where=f"sources.{vault.source_name}",
                remedy="unlock the keyring, authorise the integration anew and put its refresh "
                "token there: " + vault.keyring_line("REFRESH_TOKEN"),
            )

    return renew


def _grant(config: PullConfig, secret: str, refresh: str) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "client_id": config.client_id or "",
        "client_secret": secret,
        "refresh_token": refresh,
    }
