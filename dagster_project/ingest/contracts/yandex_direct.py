"""Yandex Direct: exports of the Master of Reports (XLSX, CSV) and reports of its API (TSV).

What belongs here: names, kinds, the lines around a table. What does not: which of several cuts of
one money counts (``int_spend__grain``).

An export carries the client and the period above its header and «Итого» as its first or last row;
without a column of days its rows stand for the whole period. Whether money includes VAT is a
choice made when a report is ordered; only some headers tell it. A report of the API counts in
millionths unless it was ordered otherwise, which the file does not say.
Source: exports and reports as users publish them.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Table, col

_TOTALS = {
    "drop": r"^(Итого|Всего|Total)$|^Total rows: ?\d*$",
    "drop_any": r"^(Итого|Всего)( |$)",
}
_DAYS = ("day", "period_start")
_PERIOD = {"period_start": col("date"), "period_end": col("date")}

CONTRACT = Contract(
    system="yandex_direct",
    is_vat_in_doubt=True,
    tables=(
        Table(
            name="report",
            feeds=("spend",),
            columns={
                "day": col("date", "Дата", "День"),
                "campaign_title": col("text", "Название кампании", "Кампания"),
                "campaign_number": col(
                    "text", "№ Кампании", "Номер кампании", "ID кампании", "Id кампании"
                ),
                "group_title": col("text", "Название группы", "Группа"),
                "group_number": col("text", "№ Группы", "Номер группы", "ID группы"),
                "ad_number": col("text", "№ Объявления", "Номер объявления", "ID объявления"),
                "ad_title": col("text", "Заголовок", "Заголовок объявления"),
                "criterion": col("text", "Условие показа", "Фраза", "Ключевая фраза"),
                "criterion_number": col("text", "№ Условия показа"),
                "criterion_type": col("text", "Тип условия показа"),
                "query": col("text", "Поисковый запрос"),
                "site": col("text", "Название площадки", "Площадка"),
                "site_type": col("text", "Тип площадки"),
                "region_at": col("text", "Регион местонахождения", "Регион таргетинга", "Регион"),
                "region_number": col("text", "Регион местонахождения.2", "Регион таргетинга.2"),
                "device": col("text", "Тип устройства", "Устройство"),
                "sex": col("text", "Пол"),
                "age": col("text", "Возраст"),
                "expense": col(
                    "money",
                    r"~^Расход(\s*[,(]\s*(?P<money_sign>₽|\$|€|₸|\?|[^\W\d_]{2,4}\.?)\s*\)?)?"
                    r"(\s*[,(]?\s*(?P<vat>(с|без)\s+НДС)\s*\)?)?\s*$",
                    r"~^Расход\s*[,(]?\s*(?P<vat>(с|без)\s+НДС)\s*\)?"
                    r"\s*[,(]?\s*(?P<money_sign>₽|\$|€|₸|\?|[^\W\d_]{2,4}\.?)?\s*\)?\s*$",
                ),
                "money_sign": col("text", "Валюта"),
                "vat": col("text"),
                "views": col("integer", "Показы"),
                "hits": col("integer", "Клики"),
                "client": col("text", "Клиент", "Логин"),
                **_PERIOD,
            },
            recognised_by=(
                "campaign_title expense",
                "campaign_number expense",
                "group_title expense",
                "criterion expense",
                "region_at expense",
                "device expense",
                "day expense",
                "views hits expense",
            ),
            amount="expense",
            event_on="day",
            header_within=12,
            preamble=(
                r"^\W*Клиент:.*\((?P<client>[^()]+)\)\W*$",
                r"^\W*Клиент:\s*(?P<client>[^();\t\"]+)",
                r"Период:?\s*(?P<period_start>\d{1,2}\.\d{1,2}\.\d{4})\s*[-–—]+"
                r"\s*(?P<period_end>\d{1,2}\.\d{1,2}\.\d{4})",
            ),
            dated_by=_DAYS,
            date_order="dmy",
            **_TOTALS,
        ),
        Table(
            name="api_report",
            feeds=("spend",),
            columns={
                "day": col("date", "Date"),
                "week": col("date", "Week"),
                "month": col("date", "Month"),
                "campaign_id": col("text", "CampaignId"),
                "campaign_name": col("text", "CampaignName"),
                "ad_group_id": col("text", "AdGroupId"),
                "ad_group_name": col("text", "AdGroupName"),
                "ad_id": col("text", "AdId"),
                "ad_network_type": col("text", "AdNetworkType"),
                "criterion": col("text", "Criterion", "Criteria", "Keyword"),
                "criterion_id": col("text", "CriterionId", "CriteriaId"),
                "query": col("text", "Query"),
                "placement": col("text", "Placement"),
                "device": col("text", "Device"),
                "gender": col("text", "Gender"),
                "age": col("text", "Age"),
                "location": col("text", "LocationOfPresenceName", "TargetingLocationName"),
                "client_login": col("text", "ClientLogin"),
                "cost": col("money", "Cost"),
                "impressions": col("integer", "Impressions"),
                "clicks": col("integer", "Clicks"),
                **_PERIOD,
            },
            recognised_by=("campaign_id cost", "campaign_name cost", "day cost impressions"),
            amount="cost",
            event_on="day",
            header_within=2,
            preamble=(
                r"\((?P<period_start>\d{4}-\d\d-\d\d) - (?P<period_end>\d{4}-\d\d-\d\d)\)\W*$",
            ),
            dated_by=("day", "period_start", "week", "month"),
            may_be_micros=True,
            **_TOTALS,
        ),
    ),
)
