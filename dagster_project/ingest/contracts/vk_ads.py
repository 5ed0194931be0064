"""VK Ads (ads.vk.com) and the old cabinet of vk.com: statistics of their APIs, exports.

What belongs here: names, kinds, where records stand. What does not: which of several cuts of one
money counts (``int_spend__grain``).

Statistics name the object only by id, and not its level: lists of plans, groups and banners, where
delivered, lead from a banner to its campaign. Blocks ``total`` restate the sums and are not read.
Whether money includes VAT the files do not say.
Source: responses of the API as its clients publish them; the export's Russian headers are unproven.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Table, col

_LISTED = ("items", "*.items")

CONTRACT = Contract(
    system="vk_ads",
    is_vat_in_doubt=True,
    tables=(
        Table(
            name="statistics",
            feeds=("spend",),
            columns={
                "object_id": col("text", "parent.id"),
                "date": col("date"),
                "spent": col("money", "base.spent", "metrics.base.spent"),
                "shows": col("integer", "base.shows", "metrics.base.shows"),
                "clicks": col("integer", "base.clicks", "metrics.base.clicks"),
            },
            recognised_by=("object_id date spent",),
            amount="spent",
            event_on="date",
            records=("items.rows", "*.items.rows"),
            flatten=True,
        ),
        Table(
            name="old_statistics",
            feeds=("spend",),
            columns={
                "object_id": col("text", "parent.id"),
                "object_type": col("text", "parent.type"),
                "day": col("date"),
                "month": col("text"),
                "spent": col("money"),
                "impressions": col("integer"),
                "clicks": col("integer"),
            },
            recognised_by=("object_id day spent", "object_id month spent"),
            amount="spent",
            event_on="day",
            records=("response.stats", "*.response.stats"),
        ),
        Table(
            name="report",
            feeds=("spend",),
            columns={
                "day": col("date", "Дата", "День"),
                "campaign_title": col("text", "Кампания", "Название кампании"),
                "campaign_number": col("text", "ID кампании", "Id кампании"),
                "group_title": col("text", "Группа", "Группа объявлений", "Название группы"),
                "group_number": col("text", "ID группы"),
                "ad_title": col("text", "Объявление", "Название объявления"),
                "ad_number": col("text", "ID объявления"),
                "expense": col(
                    "money",
                    r"~^(Потрачено( всего)?|Списания|Расход)"
                    r"(\s*[,(]\s*(?P<money_sign>₽|\$|€|₸|\?|[^\W\d_]{2,4}\.?)\s*\)?)?\s*$",
                ),
                "money_sign": col("text", "Валюта"),
                "views": col("integer", "Показы"),
                "hits": col("integer", "Клики"),
                "period_start": col("date"),
                "period_end": col("date"),
            },
            recognised_by=(
                "campaign_title expense",
                "campaign_number expense",
                "group_title expense",
                "ad_title expense",
                "day expense",
            ),
            amount="expense",
            event_on="day",
            header_within=12,
            drop=r"^(Итого|Всего)$",
            drop_any=r"^(Итого|Всего)( |$)",
            preamble=(
                r"Период:?\s*(?P<period_start>\d{1,2}\.\d{1,2}\.\d{4})\s*[-–—]+"
                r"\s*(?P<period_end>\d{1,2}\.\d{1,2}\.\d{4})",
            ),
            dated_by=("day", "period_start"),
            date_order="dmy",
        ),
        Table(
            name="ad_plan",
            columns={
                "id": col("text"),
                "record_name": col("text", "name"),
                "status": col("text"),
                "budget_limit": col("number"),
                "objective": col("text"),
            },
            recognised_by=("id record_name objective", "id record_name"),
            file_names=(r"plan|campaign",),
            records=_LISTED,
        ),
        Table(
            name="ad_group",
            columns={
                "id": col("text"),
                "ad_plan_id": col("text"),
                "record_name": col("text", "name"),
                "status": col("text"),
            },
            recognised_by=("id ad_plan_id",),
            file_names=(r"group",),
            records=_LISTED,
        ),
        Table(
            name="banner",
            columns={
                "id": col("text"),
                "ad_group_id": col("text"),
                "campaign_id": col("text"),
                "record_name": col("text", "name"),
                "status": col("text"),
            },
            recognised_by=("id ad_group_id",),
            file_names=(r"banner",),
            records=_LISTED,
        ),
    ),
)
