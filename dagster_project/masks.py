"""The name under which a person known by an e-mail is published, for references by that e-mail.

What belongs here: the mask that staging makes (macro ``as_person_name``), said once more in Python.
What does not: hashing what is delivered (dbt), reading the key (settings).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from dagster_project.settings import Workspace, hash_key

_EMAIL = re.compile(r'[^\s@<>:;,"()]+@[^\s@<>:;,"()]+')


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
