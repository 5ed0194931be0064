"""The measures that a close without a date would leave short are all named as such."""

from __future__ import annotations

import re

from dagster_project.settings import project_root

MEASURES = (project_root() / "dbt" / "macros" / "measures.sql").read_text(encoding="utf-8")


def test_every_measure_that_stands_on_a_close_is_named():
    listed = re.search(
        r"measures_of_closes\(\) %\}\n\{\{ return\(\[(.*?)\]\)", MEASURES, re.DOTALL
    )[1]
    named = set(re.findall(r"'(\w+)'", listed))
    declared = re.findall(r"""\('(\w+)', ['"](\w+_on)['"], ("[^"]*"|'[^']*')""", MEASURES)
    assert len(declared) > 40
    on_closes = {
        code
        for code, day, condition in declared
        if day in {"won_on", "lost_on", "closed_on"} or re.search("won|lost", condition)
    }
    assert "won_deals" in on_closes
    assert on_closes <= named
