"""What ``kpi init`` writes: commented settings and small files that run as they are.

What belongs here: the texts. What does not: the demonstration company (demo).
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from dagster_project.errors import WorkspaceError
from dagster_project.period_names import months_after
from dagster_project.settings import is_taken, require_usable_path

_SETTINGS = {
    "ru": """# Настройки рабочей папки. Неизвестный ключ - ошибка с именем ключа.
company: {company}
reporting_currency: RUB        # валюта отчётов
timezone: Europe/Moscow        # по этой зоне момент времени становится днём
fiscal_year_start_month: 1
language: ru                   # ru или en: подписи
as_of: null                    # день, после которого ничего нет; null - сегодня
strategy: mass                 # mass | large | subscription | partner
country: RU                    # праздники календаря; null - только выходные
working_hours: "09:00-18:00"   # рабочие минуты скорости реакции

sources:
  crm:                         # имя ваше; файлы лежат в raw/crm/
    system: files
    delivery: delta            # full: выгрузка перечисляет всё, отсутствие значит удаление
    entities:
      deals:
        files: "deals*.csv"    # шаблон имени; CSV, XLSX, JSON, NDJSON, Parquet
        columns:               # имя программы: заголовок в файле
          deal_id: Номер
          opened_at: Создана
          closed_at: Закрыта
          stage: Этап
          amount: Сумма
          manager_name: Ответственный
          customer_name: Клиент
          source: Источник
          lead_id: Лид
        constants: {{pipeline: Основная}}
        # date_order: dmy      # если дни в датах не бывают больше 12
        # decimal: ","         # если по столбцу не понять
        # skip_top: 2          # строк над заголовком
        # drop: "^Итого"       # строки итогов
      leads:
        files: "leads*.csv"
        columns: {{lead_id: Номер, created_at: Создан, manager_name: Ответственный, source: Источник}}
      managers:
        files: "managers*.csv"
        columns: {{manager_name: ФИО, team: Отдел, hired_on: Принят}}
  ads:
    system: files
    entities:
      spend:
        files: "spend*.csv"
        columns: {{spent_on: Дата, source: Канал, amount: Расход}}
        constants: {{kind: ads}}

aliases:                       # написания -> одно имя
  channel: {{yandex: Яндекс Директ}}

stages:                        # этап, которого здесь нет, останавливает запуск
  - {{source: crm, pipeline: "*", stage: В работе, outcome: open, position: 10}}
  - {{source: crm, pipeline: "*", stage: Успешно, outcome: won}}
  - {{source: crm, pipeline: "*", stage: Отказ, outcome: lost}}

loss_reasons:                  # закрытия, которые не идут в зачёт
  - {{reason: Дубль, eligible: false}}

settings:                      # умолчания, которые можно менять
  conversion_window_days: 60
  low_sample_below: 20
""",
    "en": """# Settings of the workspace. An unknown key is an error that names the key.
company: {company}
reporting_currency: USD        # of every report
timezone: Europe/London        # an instant becomes a day in this zone
fiscal_year_start_month: 1
language: en                   # ru or en: labels
as_of: null                    # nothing later than this day exists; null: today
strategy: mass                 # mass | large | subscription | partner
country: GB                    # public holidays; null: week-ends only
working_hours: "09:00-18:00"   # the minutes that speed to lead counts

sources:
  crm:                         # a name of your own; its files lie in raw/crm/
    system: files
    delivery: delta            # full: a delivery lists everything, so absence deletes
    entities:
      deals:
        files: "deals*.csv"    # pattern; CSV, XLSX, JSON, NDJSON, Parquet
        columns:               # the program's name: the header in the file
          deal_id: Number
          opened_at: Opened
          closed_at: Closed
          stage: Stage
          amount: Amount
          manager_name: Owner
          customer_name: Customer
          source: Source
          lead_id: Lead
        constants: {{pipeline: main}}
        # date_order: dmy      # where no day in the column is above 12
        # decimal: ","         # where the column does not tell
        # skip_top: 2          # lines above the header
        # drop: "^Total"       # rows of totals
      leads:
        files: "leads*.csv"
        columns: {{lead_id: Number, created_at: Created, manager_name: Owner, source: Source}}
      managers:
        files: "managers*.csv"
        columns: {{manager_name: Name, team: Team, hired_on: Hired}}
  ads:
    system: files
    entities:
      spend:
        files: "spend*.csv"
        columns: {{spent_on: Day, source: Channel, amount: Cost}}
        constants: {{kind: ads}}

aliases:                       # spellings -> one name
  channel: {{adwords: Google Ads}}

stages:                        # a stage that is not here stops the run
  - {{source: crm, pipeline: "*", stage: In progress, outcome: open, position: 10}}
  - {{source: crm, pipeline: "*", stage: Won, outcome: won}}
  - {{source: crm, pipeline: "*", stage: Lost, outcome: lost}}

loss_reasons:                  # closes that are no contest
  - {{reason: Duplicate, eligible: false}}

settings:                      # defaults that may be changed
  conversion_window_days: 60
  low_sample_below: 20
""",
}

_FILES = {
    "ru": {
        "raw/crm/deals.csv": """Номер,Создана,Закрыта,Этап,Сумма,Ответственный,Клиент,Источник,Лид
D-1,2026-01-12,2026-01-28,Успешно,120000,Анна Петрова,ООО «Вектор»,Яндекс Директ,L-1
D-2,2026-01-15,2026-02-10,Отказ,80000,Анна Петрова,ООО «Север»,Рекомендации,L-2
D-3,2026-02-02,2026-02-20,Успешно,45500.50,Борис Кузнецов,ООО «Орион»,yandex,L-3
D-4,2026-02-14,,В работе,210000,Борис Кузнецов,ООО «Гранит»,Рекомендации,L-4
""",
        "raw/crm/leads.csv": """Номер,Создан,Ответственный,Источник
L-1,2026-01-10 10:15:00,Анна Петрова,Яндекс Директ
L-2,2026-01-13 12:00:00,Анна Петрова,Рекомендации
L-3,2026-01-28 09:40:00,Борис Кузнецов,yandex
L-4,2026-02-12 16:20:00,Борис Кузнецов,Рекомендации
L-5,2026-02-13 11:05:00,Борис Кузнецов,yandex
""",
        "raw/crm/managers.csv": """ФИО,Отдел,Принят
Анна Петрова,Продажи,2024-03-01
Борис Кузнецов,Продажи,2025-06-16
""",
        "raw/ads/spend.csv": """Дата,Канал,Расход
2026-01-28,yandex,18000
2026-02-28,Яндекс Директ,21500.40
""",
    },
    "en": {
        "raw/crm/deals.csv": """Number,Opened,Closed,Stage,Amount,Owner,Customer,Source,Lead
D-1,2026-01-12,2026-01-28,Won,1200,Ann Peters,Vector Ltd,Google Ads,L-1
D-2,2026-01-15,2026-02-10,Lost,800,Ann Peters,North Ltd,Referral,L-2
D-3,2026-02-02,2026-02-20,Won,455.50,Bob Smith,Orion Ltd,adwords,L-3
D-4,2026-02-14,,In progress,2100,Bob Smith,Granite Ltd,Referral,L-4
""",
        "raw/crm/leads.csv": """Number,Created,Owner,Source
L-1,2026-01-10 10:15:00,Ann Peters,Google Ads
L-2,2026-01-13 12:00:00,Ann Peters,Referral
L-3,2026-01-28 09:40:00,Bob Smith,adwords
L-4,2026-02-12 16:20:00,Bob Smith,Referral
L-5,2026-02-13 11:05:00,Bob Smith,adwords
""",
        "raw/crm/managers.csv": """Name,Team,Hired
Ann Peters,Sales,2024-03-01
Bob Smith,Sales,2025-06-16
""",
        "raw/ads/spend.csv": """Day,Channel,Cost
2026-01-28,adwords,180
2026-02-28,Google Ads,215.40
""",
    },
}


_NEXT_MONTH = date(2026, 3, 1)
"""The first day after the two months that the files above tell of; no day of theirs is above 28."""


def make_workspace(directory: Path, language: str, day: date) -> Path:
    """Write a workspace that runs as it is into a folder that is new or empty.

    Args:
        directory: The folder.
        language: ``ru`` or ``en``.
        day: Today: the files tell of the two months before its own.

    Returns:
        The folder.

    Raises:
        WorkspaceError: The folder holds something or has a path that no run can use, or the
            language is neither ru nor en.
    """
    folder = directory.expanduser().resolve()
    require_usable_path(folder)
    if language not in _SETTINGS:
        raise WorkspaceError(
            "making a workspace", found=f"language `{language}`", expected="ru or en"
        )
    if is_taken(folder):
        raise WorkspaceError(
            "making a workspace",
            found="something that is there already",
            expected="a folder that is new or empty",
            where=str(folder),
            remedy="name another folder; nothing was written",
        )
    settings = _SETTINGS[language].format(company=_as_yaml(folder.name))
    moved = {name: _moved(text, day) for name, text in _FILES[language].items()}
    files = {"workspace.yml": settings, **moved, **_presets(language)}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _moved(text: str, day: date) -> str:
    """Move every date by the same number of months."""
    months = (day.year - _NEXT_MONTH.year) * 12 + day.month - _NEXT_MONTH.month

    def later(written: re.Match[str]) -> str:
        told = date.fromisoformat(written[0])
        return months_after(told, months).replace(day=told.day).isoformat()

    return re.sub(r"\d{4}-\d\d-\d\d", later, text)


def _presets(language: str) -> dict[str, str]:
    """Return a ready bonus plan per strategy, and the list of who is on which: nobody yet."""
    folder = Path(__file__).resolve().parent / "presets" / language
    plans = {f"bonus/{path.name}": path.read_text("utf-8") for path in sorted(folder.glob("*.yml"))}
    return plans | {"bonus/assignments.csv": "manager_id,plan,from,to,target_amount,ramp\n"}


def _as_yaml(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
