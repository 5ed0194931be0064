"""Sheets and columns that workspace.yml names by number, as a person counts them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dagster_project.configuration import EntityMapping


@pytest.mark.parametrize("number", [0, -1])
def test_sheets_and_columns_are_counted_from_one(number):
    # sheet 0 ended a run in OverflowError; column 0 without a header was the last column
    for wrong in ({"sheet": number}, {"columns": {"deal_id": number}}):
        with pytest.raises(ValidationError, match="greater than or equal to 1"):
            EntityMapping.model_validate(wrong)
    right = EntityMapping.model_validate({"sheet": 1, "columns": {"deal_id": 1, "stage": "Stage"}})
    assert (right.sheet, right.columns) == (1, {"deal_id": 1, "stage": "Stage"})
