"""Bonus plans of the demonstration company, and who is on which.

What belongs here: the texts of ``bonus/``. What does not: the company's files (company), any
statement that a test expects.

Planted: a seller with a ramp, one who leaves, one who changes team and plan, one with an amount of
his own; a version that begins in mid-July; gates, a cap and a guarantee that bite in some months;
refunds and reopened deals that come after the month they were won in.
"""

from __future__ import annotations

from pathlib import Path

MASS = """\
# Массовые продажи: месяц. С 15 июля 2026 результат весит больше активности.
plan: mass
strategy: mass
currency: RUB
period: month
versions:
  - from: 2025-11-01
    to: 2026-07-15
    target_amount: 40000
    components:
      - {kpi: calls, weight: 15, curve: activity, target: 120}
      - {kpi: meetings, weight: 15, curve: activity, target: 13}
      - {kpi: proposals, weight: 10, curve: activity, target: 5}
      - {kpi: lead_conversion_window, weight: 30, curve: outcome, min_sample: 20, immature: defer, target: 0.125}
      - {kpi: booked_revenue, weight: 30, curve: outcome, target: 800000}
    curves:
      activity: [[70, 50], [100, 100]]
      outcome: [[80, 50], [100, 100], [120, 150]]
    gates:
      - {kpi: speed_to_lead_sla, below: 0.45, effect: {scale: 0.9}}
    overall_cap_pct: 115
    guarantee: 12000
    clawback: {window_days: 90, method: rerun_origin, floor: 0, carry: true}
    rounding: {line: 0.01, mode: half_up}
  - from: 2026-07-15
    to: null
    target_amount: 44000
    components:
      - {kpi: calls, weight: 10, curve: activity, target: 120}
      - {kpi: meetings, weight: 10, curve: activity, target: 13}
      - {kpi: proposals, weight: 10, curve: activity, target: 5}
      - {kpi: lead_conversion_window, weight: 30, curve: outcome, min_sample: 20, immature: defer, target: 0.125}
      - {kpi: booked_revenue, weight: 40, curve: outcome, target: 800000}
    curves:
      activity: [[70, 50], [100, 100]]
      outcome: [[80, 50], [100, 100], [120, 150]]
    gates:
      - {kpi: speed_to_lead_sla, below: 0.45, effect: {scale: 0.9}}
    overall_cap_pct: 115
    guarantee: 12000
    clawback: {window_days: 90, method: rerun_origin, floor: 0, carry: true}
    rounding: {line: 0.01, mode: half_up}
"""
LARGE = """\
# Регионы: процент с маржи за квартал, выплата по мере оплаты сделок.
plan: regions
strategy: large
currency: RUB
period: quarter
versions:
  - from: 2025-10-01
    to: null
    components:
      - kpi: credited_margin
        quota: 1200000
        mode: marginal
        tiers:
          - {from_pct: 0, to_pct: 50, rate: 0.02}
          - {from_pct: 50, to_pct: 100, rate: 0.04}
          - {from_pct: 100, to_pct: 150, rate: 0.06}
          - {from_pct: 150, rate: 0.05}
      - {kpi: average_check, weight: 0, curve: shown, target: 200000}
    curves:
      shown: [[0, 0], [100, 100]]
    gates:
      - {kpi: margin_rate, below: 0.44, effect: {limit_rate: 0.04}, components: [credited_margin]}
    multipliers:
      - {kpi: win_rate, steps: [[0, 0.90], [0.5, 0.95], [0.6, 1.00]], components: [credited_margin]}
    credit_on: won_date
    release_on: payment_date
    cap_amount: 80000
    clawback: {window_days: 180, method: rerun_origin, floor: 0, carry: true}
"""
ASSIGNMENTS = """\
manager_id,plan,from,to,target_amount,ramp
M01,mass,2025-11-01,,,
M02,mass,2025-11-01,,,
M03,mass,2025-11-01,,,
M04,mass,2025-11-01,,30000,
M05,mass,2025-11-01,2026-02-01,,
M05,regions,2026-02-01,,,
M06,mass,2025-11-01,,,
M07,mass,2025-11-01,,,
M08,mass,2025-11-01,,,
M09,mass,2025-11-01,,,
M10,mass,2025-11-01,,,0.5;0.75;0.9
M11,regions,2025-10-01,,,
M12,regions,2025-10-01,,,
M13,regions,2025-10-01,,,
M14,regions,2025-10-01,,,
"""


def write_pay(workspace: Path) -> None:
    """Write ``bonus/`` of the demonstration company."""
    folder = workspace / "bonus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("mass.yml", MASS),
        ("regions.yml", LARGE),
        ("assignments.csv", ASSIGNMENTS),
    ):
        (folder / name).write_text(text, encoding="utf-8")
