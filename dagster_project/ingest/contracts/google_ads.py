"""Google Ads: reports of the interface (CSV, CSV for Excel) and tables of its API and connectors.

What belongs here: names, kinds, the lines around a table. What does not: which of several cuts of
one money counts (``int_spend__grain``).

A report has its name and its period above the header, and up to seven ``Total:`` lines below, each
of which restates the money. The money is the column named Cost and no other (Cost / conv., Avg.
cost). The API counts in millionths, in columns that say so (``cost_micros``); it gives a campaign's
day once per device and network, all of which add up.
Source: reports as users publish them; tables of a connector.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Table, col

_DAY = r"[^\"\t;]*?\d{4}[^\"\t;]*?"

CONTRACT = Contract(
    system="google_ads",
    tables=(
        Table(
            name="report",
            feeds=("spend",),
            columns={
                "day_of": col("date", "Day", "День", "Jour", "Tag", "Día"),
                "week_of": col("date", "Week", "Неделя", "Semaine", "Woche"),
                "month_of": col("date", "Month", "Месяц", "Mois", "Monat"),
                "campaign_title": col("text", "Campaign", "Кампания", "Campagne", "Kampagne"),
                "campaign_number": col(
                    "text", "Campaign ID", "Идентификатор кампании", "Kampagnen-ID"
                ),
                "customer": col("text", "Customer ID", "Идентификатор клиента"),
                "account_title": col("text", "Account name", "Account", "Аккаунт", "Compte"),
                "currency_code": col(
                    "text", "Currency code", "Код валюты", "Code de la devise", "Währungscode"
                ),
                "group_title": col("text", "Ad group", "Группа объявлений", "Anzeigengruppe"),
                "keyword": col("text", "Keyword", "Search keyword", "Ключевое слово"),
                "search_term": col("text", "Search term", "Поисковый запрос"),
                "ad_number": col("text", "Ad ID"),
                "place": col("text", "Placement", "Location", "Country/Territory", "Region"),
                "device": col("text", "Device", "Устройство"),
                "network": col("text", "Network", "Network (with search partners)", "Сеть"),
                "cost_shown": col("money", "Cost", "Стоимость", "Coût", "Kosten", "Coste"),
                "shown": col("integer", "Impr.", "Impressions", "Показы"),
                "hits": col("integer", "Clicks", "Клики", "Clics", "Klicks"),
                "period_start": col("date"),
                "period_end": col("date"),
            },
            recognised_by=(
                "campaign_title cost_shown",
                "campaign_number cost_shown",
                "group_title cost_shown",
                "keyword cost_shown",
                "day_of cost_shown",
                "account_title cost_shown",
                "currency_code cost_shown",
            ),
            amount="cost_shown",
            event_on="day_of",
            header_within=6,
            drop=r"^(Total|Gesamt|Итого|Всего)\s?: |^(Total|Gesamt|Итого|Всего)$",
            preamble=(
                rf"^\W*(?P<period_start>{_DAY})\s+[-–—]\s+(?P<period_end>{_DAY})\W*$",
                r"^\W*(?P<period_start>[^\W\d_]{3,}\.? \d{1,2}, \d{4})\W*$",
            ),
            dated_by=("day_of", "week_of", "month_of", "period_start"),
        ),
        Table(
            name="stats",
            feeds=("spend",),
            columns={
                "date": col("date", "segments.date"),
                "customer_id": col("text", "customer.id"),
                "customer_currency": col("text", "customer.currencyCode", "currency_code"),
                "campaign_id": col("text", "campaign.id"),
                "campaign_name": col("text", "campaign.name"),
                "base_campaign": col("text", "campaign_base_campaign", "campaign.resourceName"),
                "id": col("text"),
                "ad_group_id": col("text", "adGroup.id", "ad_group"),
                "base_ad_group": col("text", "ad_group_base_ad_group"),
                "ad_id": col("text", "adGroupAd.ad.id"),
                "criterion_id": col(
                    "text",
                    "ad_group_criterion_criterion_id",
                    "keyword_ad_group_criterion",
                    "adGroupCriterion.criterionId",
                ),
                "search_term": col("text", "searchTermView.searchTerm"),
                "device": col("text", "segments.device"),
                "ad_network_type": col("text", "segments.adNetworkType"),
                "cost_micros": col("money", "metrics.costMicros"),
                "impressions": col("integer", "metrics.impressions"),
                "clicks": col("integer", "metrics.clicks"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=(
                "date cost_micros customer_id",
                "date cost_micros campaign_id",
                "date cost_micros base_campaign",
                "date cost_micros",
            ),
            amount="cost_micros",
            money_divisor=1_000_000,
            event_on="date",
            updated_at="fivetran_synced",
            records=("results", "*.results"),
            flatten=True,
            utc_by="fivetran_synced",
        ),
        Table(
            name="campaign",
            columns={
                "id": col("text"),
                "record_name": col("text", "name"),
                "customer_id": col("text"),
                "updated_at": col("instant"),
                "advertising_channel_type": col("text"),
            },
            recognised_by=(
                "id record_name customer_id advertising_channel_type",
                "id record_name customer_id updated_at",
            ),
            file_names=(r"campaign",),
        ),
        Table(
            name="account",
            columns={
                "id": col("text"),
                "currency_code": col("text"),
                "descriptive_name": col("text"),
                "updated_at": col("instant"),
            },
            recognised_by=("id currency_code descriptive_name",),
        ),
        Table(
            name="ad_group",
            columns={
                "id": col("text"),
                "campaign_id": col("text"),
                "record_name": col("text", "name"),
                "updated_at": col("instant"),
                "campaign_name": col("text"),
                "type": col("text"),
                "status": col("text"),
            },
            recognised_by=("id campaign_id campaign_name record_name",),
        ),
        Table(
            name="ad",
            columns={
                "id": col("text"),
                "ad_group_id": col("text"),
                "record_name": col("text", "name"),
                "updated_at": col("instant"),
                "final_urls": col("text"),
            },
            recognised_by=("id ad_group_id final_urls",),
        ),
        Table(
            name="criterion",
            columns={
                "id": col("text"),
                "ad_group_id": col("text"),
                "base_campaign_id": col("text"),
                "keyword_text": col("text"),
                "keyword_match_type": col("text"),
                "updated_at": col("instant"),
            },
            recognised_by=("id ad_group_id keyword_text",),
        ),
    ),
)
