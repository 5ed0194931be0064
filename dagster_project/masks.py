"""The masks that staging makes of phones and e-mails, said once more in Python.

What belongs here: the name under which a person known by an e-mail is published (macro
``as_person_name``), for references by that e-mail; what is shown of a file (``without_contacts``).
What does not: hashing what is delivered (dbt), reading the key (settings).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from dagster_project.settings import Workspace, hash_key

_EMAIL = re.compile(r'[^\s@<>:;,"()]+@[^\s@<>:;,"()]+')
_PHONE = re.compile(
    r"(^|\D)(?:\+\d[\d ()-]{7,16}\d|[78][ (-]*\d{3}[ )-]*\d{3}[ -]*\d{2}[ -]*\d{2}\b)", re.ASCII
)


def without_contacts(text: str) -> str:
    """Return a text for a report: phones and e-mails in it are withheld."""
    return _PHONE.sub(r"\1***", _EMAIL.sub("***", text))


def published_name(workspace: Workspace) -> Callable[[str], str]:
    """Return what turns a name into the published one: an e-mail into its mask."""
    if workspace.config.settings.personal_data == "clear":
        return str

    def masked(name: str) -> str:
        found = _EMAIL.search(name)
        if not found:
            return name
        email = found.group().lower()
        mark = hashlib.sha256(f"{hash_key(workspace)}:{email}".encode()).hexdigest()[:16]
        return f"{email[0]}***@{email.split('@')[1]} #{mark}"

    return masked
