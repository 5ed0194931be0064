"""Plans and assignments that must not be paid by: each is refused with the line at fault."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dagster_project.errors import PlanRefused
from dagster_project.pay.assignments import read_assignments
from dagster_project.pay.checks import PlanContext
from dagster_project.pay.reading import PlanFile, read_plan, read_plans
from tests.unit.pay_cases import CONTEXT, KPIS, LARGE, MASS, plan_of


def refusal(text: str, context: PlanContext = CONTEXT) -> PlanRefused:
    with pytest.raises(PlanRefused) as caught:
        read_plan(text.encode(), "bonus/mass.yml", context)
    return caught.value


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


CASES = {
    # what is broken: (plan, replaced, by, part of the line at fault, words of the message)
    "weights of 99": (
        MASS,
        "weight: 10",
        "weight: 9",
        "components:",
        ("weights of 99", "exactly 100"),
    ),
    # a margin of 1 000 at a rate of 6 would pay 6 000.00, not 60.00
    "a rate in percent": (LARGE, "rate: 0.06", "rate: 6", "rate: 6", ("0.06 for 6 %",)),
    "a highest rate in percent": (LARGE, "_rate: 0.04", "_rate: 4", "limit_rate", ("0.04 for 4",)),
    # hygiene of 0.93 lies below 90 always: everybody would lose a tenth
    "a gate in percent": (MASS, "below: 0.90", "below: 90", "below: 90", ("0.9 for 90 %",)),
    "a scale in tenths": (MASS, "scale: 0.9", "scale: 9", "scale: 9", ("at most 2",)),
    # 0.105 of 12 is 0.9 % of the target, and pays nothing
    "a share's target in percent": (MASS, "0.12}", "12}", "target: 12}", ("0.12 for 12 %",)),
    "a step in percent": (LARGE, "[0.30, 1.00]", "[30, 1.00]", "[30,", ("0.3 for 30 %",)),
    # all of a target reached would pay 1 % of its money
    "a curve in shares": (
        MASS,
        "[[70, 50], [100, 100]]",
        "[[0.7, 0.5], [1, 1]]",
        "[[0.7",
        ("100",),
    ),
    "a payout in shares": (MASS, "[120, 150]", "[120, 1.5]", "outcome: ", ("150 for 1.5",)),
    "a cap in shares": (MASS, "cap_pct: 150", "cap_pct: 1.5", "cap_pct", ("150 for 1.5",)),
    "a quota of nothing": (LARGE, "3000000", "0", "quota: 0", ("0, or the word `goal`",)),
    "a day that is none": (MASS, "2026-01-01", "2026-13-01", "2026-13-01", ("month must be",)),
    "weights of 100.5": (MASS, "weight: 10", "weight: 10.5", "components:", ("100.5",)),
    "a negative weight": (MASS, "weight: 10", "weight: -10", "weight: -10", ("greater than",)),
    "a gap between tiers": (
        LARGE,
        "from_pct: 50,",
        "from_pct: 60,",
        "from_pct: 60",
        ("a gap between 50 % and 60 %",),
    ),
    "tiers that overlap": (
        LARGE,
        "from_pct: 50,",
        "from_pct: 40,",
        "from_pct: 40",
        ("an overlap between 40 % and 50 %",),
    ),
    "tiers that do not start at 0": (
        LARGE,
        "from_pct: 0,",
        "from_pct: 5,",
        "from_pct: 5,",
        ("a first tier from 0",),
    ),
    "a last tier that ends": (
        LARGE,
        "{from_pct: 150, rate",
        "{from_pct: 150, to_pct: 200, rate",
        "to_pct: 200",
        ("ends at 200 %", "without an end"),
    ),
    "an open tier in the middle": (
        LARGE,
        "{from_pct: 50, to_pct: 100,",
        "{from_pct: 50,",
        "{from_pct: 50,",
        ("only the last tier open",),
    ),
    "a curve that falls": (
        MASS,
        "[100, 100], [120, 150]",
        "[100, 100], [120, 90]",
        "outcome:  [[",
        ("[100, 100] to [120, 90]", "never decrease"),
    ),
    "a curve that goes back": (
        MASS,
        "[[70, 50], [100, 100]]",
        "[[70, 50], [60, 100]]",
        "activity: [[",
        ("[70, 50] to [60, 100]",),
    ),
    "a curve that is not there": (
        MASS,
        "weight: 10, curve: activity",
        "weight: 10, curve: activty",
        "curve: activty",
        ("no curve `activty`", "activity, outcome"),
    ),
    "an unknown KPI": (MASS, "{kpi: calls, ", "{kpi: callz, ", "callz", ("no KPI `callz`",)),
    "a KPI barred from pay": (
        MASS,
        "{kpi: calls, ",
        "{kpi: lead_conversion_operational, ",
        "lead_conversion_operational",
        ("can_be_paid false",),
    ),
    "an unknown gate KPI": (
        MASS,
        "{kpi: crm_hygiene",
        "{kpi: hygiene",
        "{kpi: hygiene",
        ("no KPI",),
    ),
    "a gate with two effects": (
        MASS,
        "effect: {scale: 0.9}",
        "effect: {scale: 0.9, block: true}",
        "effect: {scale",
        ("block and scale", "exactly one"),
    ),
    "a gate without effect": (
        MASS,
        "effect: {scale: 0.9}",
        "effect: {}",
        "effect: {}",
        ("no effect",),
    ),
    "a gate on a component that is not there": (
        MASS,
        "effect: {scale: 0.9}}",
        "effect: {scale: 0.9}, components: [call]}",
        "components: [call]",
        ("no component `call`",),
    ),
    "a limit of rates over targets": (
        MASS,
        "effect: {scale: 0.9}",
        "effect: {limit_rate: 0.04}",
        "limit_rate",
        ("limit_rate over no rate component",),
    ),
    "a rate on a ratio": (
        LARGE,
        "kpi: credited_margin",
        "kpi: margin_rate",
        "kpi: margin_rate",
        ("a rate on `margin_rate`, which is ratio",),
    ),
    "multiplier steps in disorder": (
        LARGE,
        "[0.25, 0.95], [0.30, 1.00]",
        "[0.30, 0.95], [0.25, 1.00]",
        "{kpi: win_rate",
        ("a step at 0.25 after one at 0.30",),
    ),
    "a quota of 0": (LARGE, "quota: 3000000", "quota: 0", "quota: 0", ("greater than 0",)),
    "an unknown key": (
        MASS,
        "overall_cap_pct: 150",
        "overal_cap_pct: 150",
        "overal_cap_pct",
        ("unknown key `overal_cap_pct`",),
    ),
    "a key that is missing": (MASS, "period: month\n", "", "plan:", ("no `period`",)),
    "a key twice": (
        MASS,
        "    target_amount: 40000",
        "    target_amount: 40000\n    target_amount: 50000",
        "target_amount: 50000",
        ("stands twice",),
    ),
    "a number in words": (
        MASS,
        "target_amount: 40000",
        "target_amount: forty",
        "target_amount: forty",
        ("must be a number", "forty"),
    ),
    "a number that YAML reads by sixties": (
        MASS,
        "target_amount: 40000",
        "target_amount: 4:30",
        "target_amount: 4:30",
        ("no plain decimal number",),
    ),
    "another currency": (MASS, "currency: RUB", "currency: USD", "currency: USD", ("RUB",)),
    "a period without figures": (
        MASS,
        "period: month",
        "period: week",
        "period: week",
        ("'month'",),
    ),
    "a last day before the first": (
        MASS,
        "    to: null",
        "    to: 2025-12-31",
        "to: 2025-12-31",
        ("a last day after the first",),
    ),
    "two caps": (
        MASS,
        "overall_cap_pct: 150",
        "overall_cap_pct: 150\n    cap_amount: 5",
        "cap_amount: 5",
        ("two caps",),
    ),
    "a cap in percent of nothing": (
        LARGE,
        "cap_amount: 250000",
        "overall_cap_pct: 150",
        "overall_cap_pct",
        ("cap_amount",),
    ),
    "the team's sum in place of a person's": (
        MASS,
        "{kpi: calls, ",
        "{kpi: calls, min_sample: 5, on_low_sample: team, ",
        "min_sample: 5",
        ("which is additive",),
    ),
    "a pool on two curves": (
        MASS,
        "    target_amount: 40000",
        "    target_amount: 40000\n    pool: true",
        "kpi: lead_conversion_window",
        ("one curve for all components",),
    ),
    "two components of one name": (
        MASS,
        "{kpi: meetings, ",
        "{kpi: calls, ",
        "weight: 15, curve: activity, target: 40}",
        ("two components called `calls`",),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_plan_is_refused_with_its_line(case):
    text, old, new, place, words = CASES[case]
    broken = text.replace(old, new, 1)
    assert broken != text
    error = refusal(broken)
    lines = {int(n) for n in error.where.split(" line")[1].lstrip("s ").split(", ")}
    assert line_of(broken, place) in lines
    for word in words:
        assert word in error.render()
    assert "nobody is paid by this plan" in error.render()


def test_release_on_payment_without_a_feed_of_payments_is_refused():
    error = refusal(LARGE, PlanContext(KPIS, "RUB", has_payments=False))
    assert "no payments are delivered" in error.found
    assert error.where == f"bonus/mass.yml, line {line_of(LARGE, 'release_on')}"


SECOND = "\n".join(MASS.splitlines()[5:])


@pytest.mark.parametrize(
    ("ends", "begins", "word"),
    [
        ("2026-07-01", "2026-06-01", "overlap"),
        ("null", "2026-06-01", "further notice"),
        ("2026-06-01", "2026-07-01", "without a gap"),
    ],
)
def test_versions_neither_overlap_nor_leave_a_gap(ends, begins, word):
    text = MASS.replace("to: null", f"to: {ends}") + SECOND.replace("2026-01-01", begins)
    error = refusal(text)
    assert word in error.render()
    assert f"line {line_of(text, f'from: {begins}')}" in error.where


def test_every_fault_is_told_at_once():
    text = MASS.replace("weight: 10", "weight: 9").replace("{kpi: calls, ", "{kpi: callz, ")
    error = refusal(text)
    assert "weights of 99" in error.found
    assert "callz" in error.found
    assert error.where.startswith("bonus/mass.yml, lines ")


def test_yaml_that_does_not_parse_names_the_line():
    text = MASS.replace("    gates:", "   gates:")
    assert f"line {line_of(text, '   gates:')}" in refusal(text).where
    assert "text in UTF-8" in refusal_of_bytes(b"plan: \xff").expected
    assert "no mapping" in refusal("- a\n- b\n").found


def test_tiers_in_shares_are_refused():
    # at half of the quota all of the margin but 1.5 % of the quota would be in the last tier
    shares = LARGE
    for percent, share in (("150", "1.5"), ("100", "1"), ("50", "0.5")):
        shares = shares.replace(f"_pct: {percent},", f"_pct: {share},")
    told = refusal(shares)
    assert "150 for 1.5" in str(told)
    assert f"line {line_of(shares, 'from_pct: 1.5')}" in str(told)


def test_a_rate_of_mrr_may_pay_several_months_of_it():
    several = LARGE.replace("kpi: credited_margin", "kpi: mrr_new").replace(
        "rate: 0.06", "rate: 1.5"
    )
    several = several.replace("components: [credited_margin]", "components: all")
    told = read_plan(several.encode(), "bonus/mass.yml", CONTEXT).plan
    assert Decimal("1.5") in [tier.rate for tier in told.versions[0].rates[0].tiers]


def refusal_of_bytes(content: bytes) -> PlanRefused:
    with pytest.raises(PlanRefused) as caught:
        read_plan(content, "bonus/mass.yml", CONTEXT)
    return caught.value


def test_numbers_of_a_plan_are_exact():
    plan = plan_of(LARGE)
    assert [t.rate for t in plan.versions[0].components[0].tiers] == [
        Decimal(n) for n in ("0.02", "0.04", "0.06", "0.05")
    ]


def test_one_name_in_two_files_is_refused(tmp_path):
    folder = tmp_path / "bonus"
    folder.mkdir()
    (folder / "a.yml").write_text(MASS)
    assert set(read_plans(folder, CONTEXT)) == {"mass_2026"}
    (folder / "b.yaml").write_text(MASS)
    with pytest.raises(PlanRefused) as caught:
        read_plans(folder, CONTEXT)
    assert caught.value.where == "bonus/a.yml and bonus/b.yaml"


# -- assignments ----------------------------------------------------------------------------------

PLANS = {
    name: PlanFile(plan_of(text), f"bonus/{name}.yml", "")
    for name, text in (("mass_2026", MASS), ("large_2026", LARGE))
}
HEAD = "manager_id,plan,from,to,target_amount,ramp\n"


def assign(text: str, **more):
    return read_assignments(text.encode(), "bonus/assignments.csv", PLANS, **more)


def test_an_assignment_is_read_as_written():
    first, second = assign(
        HEAD
        + 'M1,mass_2026,2026-01-01,2026-03-01,"45 000,50",0.5;0.75\n'
        + "\n"
        + "M1,large_2026,01.03.2026,,,\n"
    )
    assert (first.from_, first.to) == (date(2026, 1, 1), date(2026, 3, 1))
    assert first.target_amount == Decimal("45000.50")
    assert first.ramp == (Decimal("0.5"), Decimal("0.75"))
    assert (second.from_, second.to, second.line) == (date(2026, 3, 1), None, 4)


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("M1,mass_2026,2026-01-01,,,\nM1,large_2026,2026-02-01,,,\n", 3, ("line 2", "on one day")),
        (
            "M1,mass_2026,2026-01-01,2026-02-02,,\nM1,mass_2026,2026-02-01,,,\n",
            3,
            ("on one day",),
        ),
        ("M1,mas_2026,2026-01-01,,,\n", 2, ("no plan `mas_2026`", "large_2026, mass_2026")),
        ("M1,mass_2026,,,,\n", 2, ("no `from`",)),
        ("M1,mass_2026,2026-13-01,,,\n", 2, ("2026-13-01",)),
        ("M1,mass_2026,2026-02-01,2026-02-01,,\n", 2, ("`to` after `from`",)),
        ("M1,mass_2026,2026-02-01,,much,\n", 2, ("much",)),
        ("M1,mass_2026,2026-02-01,,-5,\n", 2, ("-5",)),
        ('M1,mass_2026,2026-02-01,,"40,000",\n', 2, ("40,000",)),
        ("M1,mass_2026,2026-02-01,,40.000,\n", 2, ("40.000",)),
        ("M1,mass_2026,2026-02-01,,4 5 000,\n", 2, ("4 5 000",)),
        ("M1,mass_2026,2026-02-01,,\u0664\u0660,\n", 2, ("\u0664\u0660",)),
        ("M1,mass_2026,2026-02-01,,,1.5\n", 2, ("shares above 0 up to 1",)),
        ("M1,mass_2026,2025-12-01,,,\n", 2, ("begins on 2026-01-01",)),
        (",mass_2026,2026-02-01,,,\n", 2, ("an empty `manager_id`",)),
        ("M1,mass_2026,2026-02-01\n", 2, ("3 cells",)),
        ('M1,"mass_2026,2026-02-01,,,\n', 2, ("quotes",)),
    ],
)
def test_an_assignment_that_would_pay_twice_or_nobody_is_refused(rows, line, words):
    with pytest.raises(PlanRefused) as caught:
        assign(HEAD + rows)
    assert caught.value.where == f"bonus/assignments.csv, line {line}"
    for word in words:
        assert word in caught.value.render()


def test_two_spellings_of_one_manager_do_not_hide_two_plans():
    rows = "Anna,mass_2026,2026-01-01,,,\ncrm:1,large_2026,2026-03-01,,,\n"
    assert len(assign(HEAD + rows)) == 2
    with pytest.raises(PlanRefused, match="on one day"):
        assign(HEAD + rows, resolve=lambda reference: "crm:1")
    with pytest.raises(PlanRefused, match="no manager `Anna`"):
        assign(HEAD + rows, resolve={"crm:1": "crm:1"}.get)


def test_a_target_amount_is_somewhere():
    plans = {"p": PlanFile(plan_of(MASS.replace("    target_amount: 40000\n", "")), "p.yml", "")}
    with pytest.raises(PlanRefused, match="no target_amount"):
        read_assignments(b"manager_id,plan,from\nM1,p,2026-01-01\n", "a.csv", plans)
    (told,) = read_assignments(
        b"manager_id;plan;from;target_amount\nM1;p;2026-01-01;0\n", "a.csv", plans
    )
    assert told.target_amount == 0


@pytest.mark.parametrize("head", ["manager_id,plan\n", "manager_id,plan,from,too\n", ""])
def test_a_header_that_is_not_understood_is_refused(head):
    with pytest.raises(PlanRefused):
        assign(head)
