"""Goals of the demonstration company: a year of them, as its people write them.

What belongs here: the texts of ``targets/``. What does not: the company's files (company), any
figure that a test expects.

Planted: a quarter's goal of +15 % revenue split to teams (whose sum misses it by 3 %) and to
managers, with tasks on calls, conversion and the average check; a plan of every month per manager
as a wide sheet; a goal for every verdict of the review; a goal that is changed midway; and a sheet of
rows that are no goals: for somebody who has left, on a barred KPI, "+5 %" of a share.
"""

from __future__ import annotations

from pathlib import Path

GOALS = """\
goal_id,kind,parent_goal_id,title,owner_manager_id,kpi_code,scope_type,scope_id,period_start,target_kind,target_value,baseline_kind,issued_on,version,approved_by
R-2025Q4,goal,,Закрыть год на 38 млн за квартал,M01,booked_revenue,company,,2025-Q4,absolute,38 000 000,,2025-09-20,1,
R-2026Q1,goal,,Вырасти на 15 % к первому кварталу прошлого года,M01,booked_revenue,company,,2026-Q1,relative_percent,+15,year_ago,2025-12-15,1,
R-2026Q1-MSK,goal,R-2026Q1,Москва: 14 млн,M01,booked_revenue,team,Москва,2026-Q1,absolute,14000000,,2025-12-15,1,
R-2026Q1-SPB,goal,R-2026Q1,Петербург: 14.5 млн,M06,booked_revenue,team,Петербург,2026-Q1,absolute,14500000,,2025-12-15,1,
R-2026Q1-REG,goal,R-2026Q1,Регионы: 14.557 млн,M11,booked_revenue,team,Регионы,2026-Q1,absolute,14557000,,2025-12-15,1,
R-2026Q2,goal,,Вырасти на 15 % ко второму кварталу прошлого года,M01,booked_revenue,company,,2026-Q2,relative_percent,+15,year_ago,2026-03-20,1,
W-2026Q2,goal,R-2026Q2,Доля побед не ниже 50 %,M08,win_rate,company,,2026-Q2,at_least,50 %,,2026-03-20,1,
R-2026Q3,goal,,Вырасти на 15 % к третьему кварталу прошлого года,M01,booked_revenue,company,,2026-Q3,relative_percent,+15,year_ago,2026-06-20,1,
R-2026Q3,goal,,Вырасти на 20 % к третьему кварталу прошлого года,M01,booked_revenue,company,,2026-Q3,relative_percent,+20,year_ago,2026-08-10,2,Анна Петрова
C-2026Q3,task,R-2026Q3,Звонить не меньше 5000 раз за квартал,M02,calls,company,,2026-Q3,at_least,5000,,2026-07-05,1,
R-2026Q4,goal,,Вырасти на 15 % к четвёртому кварталу прошлого года,M01,booked_revenue,company,,2026-Q4,relative_percent,+15,year_ago,2026-09-20,1,
R-2026Q4-MSK,goal,R-2026Q4,Москва: 19.6 млн,M01,booked_revenue,team,Москва,2026-Q4,absolute,19600000,,2026-09-20,1,
R-2026Q4-SPB,goal,R-2026Q4,Петербург: 13.9 млн,M06,booked_revenue,team,Петербург,2026-Q4,absolute,13900000,,2026-09-20,1,
R-2026Q4-REG,goal,R-2026Q4,Регионы: 14 млн,M11,booked_revenue,team,Регионы,2026-Q4,absolute,14044056,,2026-09-20,1,
R-2026Q4-M01,goal,R-2026Q4-MSK,Анна: 7 млн,M01,booked_revenue,manager,M01,2026-Q4,absolute,7000000,,2026-09-20,1,
R-2026Q4-M02,goal,R-2026Q4-MSK,Борис: 4.2 млн,M02,booked_revenue,manager,M02,2026-Q4,absolute,4200000,,2026-09-20,1,
R-2026Q4-M03,goal,R-2026Q4-MSK,Виктория: 5.4 млн,M03,booked_revenue,manager,M03,2026-Q4,absolute,5400000,,2026-09-20,1,
R-2026Q4-M04,goal,R-2026Q4-MSK,Игорь: 3 млн,M04,booked_revenue,manager,M04,2026-Q4,absolute,3000000,,2026-09-20,1,
R-2026Q4-M06,goal,R-2026Q4-SPB,Евгений: 3.6 млн,M06,booked_revenue,manager,M06,2026-Q4,absolute,3600000,,2026-09-20,1,
R-2026Q4-M07,goal,R-2026Q4-SPB,Жанна: 3 млн,M07,booked_revenue,manager,M07,2026-Q4,absolute,3000000,,2026-09-20,1,
R-2026Q4-M09,goal,R-2026Q4-SPB,Ирина: 4.1 млн,M09,booked_revenue,manager,M09,2026-Q4,absolute,4100000,,2026-09-20,1,
R-2026Q4-M10,goal,R-2026Q4-SPB,Кирилл: 3.2 млн,M10,booked_revenue,manager,M10,2026-Q4,absolute,3200000,,2026-09-20,1,
R-2026Q4-M05,goal,R-2026Q4-REG,Дарья: 2.4 млн,M05,booked_revenue,manager,M05,2026-Q4,absolute,2400000,,2026-09-20,1,
R-2026Q4-M11,goal,R-2026Q4-REG,Лариса: 3.2 млн,M11,booked_revenue,manager,M11,2026-Q4,absolute,3200000,,2026-09-20,1,
R-2026Q4-M12,goal,R-2026Q4-REG,Максим: 3 млн,M12,booked_revenue,manager,M12,2026-Q4,absolute,3000000,,2026-09-20,1,
R-2026Q4-M13,goal,R-2026Q4-REG,Наталья: 2.9 млн,M13,booked_revenue,manager,M13,2026-Q4,absolute,2900000,,2026-09-20,1,
R-2026Q4-M14,goal,R-2026Q4-REG,Олег: 2.5 млн,M14,booked_revenue,manager,M14,2026-Q4,absolute,2544056,,2026-09-20,1,
C-2026Q4,task,R-2026Q4,Звонков на 20 % больше,M02,calls,company,,2026-Q4,relative_percent,+20,previous_period,2026-09-20,1,
L-2026Q4,task,R-2026Q4,Конверсия лидов плюс 5 пунктов,M03,lead_conversion,company,,2026-Q4,percentage_points,+5,previous_period,2026-09-20,1,
A-2026Q4,task,R-2026Q4,Средний чек плюс 10 %,M06,average_check,company,,2026-Q4,relative_percent,+10,previous_period,2026-09-20,1,
H-2026Q4,task,R-2026Q4,Порядок в CRM,M02,crm_hygiene,company,,2026-Q4,at_least,60 %,,2026-09-20,1,
K-2026Q4,goal,R-2026Q4,Конверсия за 60 дней не ниже 14 %,M03,lead_conversion_window,company,,2026-Q4,at_least,14 %,,2026-09-20,1,
V-2026Q4,goal,,Скорость продаж 400 тысяч в день,M11,sales_velocity,company,,2026-Q4,absolute,400000,,2026-09-20,1,
P-2026Q4,goal,R-2026Q5,Открытая воронка 35 млн,,open_pipeline,company,,2026-Q4,at_least,35000000,,2026-09-20,1,
X-2026Q4,goal,,Вдвое вырасти за квартал,M01,booked_revenue,company,,2027-Q1,relative_percent,+100,year_ago,2026-10-10,1,
B-2027Q1,goal,,Вырасти на 5 % к прошлому кварталу,M01,won_deals,company,,2027-Q1,relative_percent,+5,previous_period,2026-10-10,1,
D-2026W42,goal,,,M01,won_deals,company,,2026-W42,absolute,12,,2026-10-09,1,
M10-2025,goal,,Первый месяц Кирилла,M10,booked_revenue,manager,M10,2025-10,absolute,500000,,2025-09-25,1,
"""
MONTHS = (
    "ноя 2025;дек 2025;янв 2026;фев 2026;мар 2026;апр 2026;май 2026;июн 2026;июл 2026;авг 2026;"
    "сен 2026;окт 2026"
)
PLANS = (
    # KPI, name as in the CRM, plan of a month; December and the summer differ
    ("Выручка по сделкам", "Анна Петрова", 1300000),
    ("Выручка по сделкам", "Борис Кузнецов", 800000),
    ("Выручка по сделкам", "Виктория Смирнова", 1000000),
    ("Выручка по сделкам", "Игорь Соколов", 600000),
    ("Выручка по сделкам", "Дарья Волкова", 800000),
    ("Выручка по сделкам", "Евгений Морозов", 800000),
    ("Выручка по сделкам", "Жанна Лебедева", 700000),
    ("Выручка по сделкам", "Ирина Фёдорова", 1100000),
    ("Выручка по сделкам", "Лариса Павлова", 900000),
    ("Выручка по сделкам", "Максим Степанов", 900000),
    ("Выручка по сделкам", "Наталья Орлова", 800000),
    ("Выручка по сделкам", "Олег Андреев", 800000),
    ("calls", "Анна Петрова", 120),
    ("calls", "Борис Кузнецов", 120),
    ("calls", "Виктория Смирнова", 110),
    ("calls", "Евгений Морозов", 125),
    ("calls", "Ирина Фёдорова", 115),
)
SEASON = (110, 130, 75, 95, 105, 105, 95, 85, 75, 80, 105, 110)
"""Percent of the usual plan, from November to October."""
NO_GOALS = """\
goal_id;title;kpi_code;scope_type;scope_id;period_start;target_kind;target_value;issued_on
N-1;План ушедшему;booked_revenue;manager;M08;2026-Q2;absolute;2500000;2026-03-20
N-2;Показатель, который не ставят в план;lead_conversion_operational;company;;2026-Q4;absolute;18 %;2026-09-20
N-3;Конверсия +5 %: относительно или в пунктах?;lead_conversion;company;;2026-Q4;;+5 %;2026-09-20
N-4;Доля без знака процента;win_rate;company;;2026-Q4;absolute;55;2026-09-20
"""


def write_goals(workspace: Path) -> None:
    """Write ``targets/`` of the demonstration company."""
    folder = workspace / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"Показатель;Разрез;Кому;Название;Дата постановки;{MONTHS}"]
    for kpi, name, usual in PLANS:
        months = ";".join(f"{usual * percent // 100}" for percent in SEASON)
        lines.append(f"{kpi};менеджер;{name};План месяца: {name};2025-10-20;{months}")
    texts = {
        "goals.csv": GOALS,
        "планы_по_месяцам.csv": "\n".join(lines) + "\n",
        "черновик.csv": NO_GOALS,
    }
    for name, text in texts.items():
        path = folder / name
        data = text.encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
