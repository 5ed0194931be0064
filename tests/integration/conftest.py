"""What several files of one system's tests begin with."""

from __future__ import annotations

import pytest

from tests.conftest import Company


@pytest.fixture
def portal(company: Company) -> Company:
    """Return a company whose only source is a portal of Bitrix24."""
    company.settings |= {"stages": []}
    company.settings["sources"] = {"crm": {"system": "bitrix24"}}
    return company
