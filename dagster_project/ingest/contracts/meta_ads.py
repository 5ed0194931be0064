"""Meta Ads (Facebook, Instagram): exports of Ads Manager, insights of its API, connector tables.

What belongs here: names, kinds, the lines around a table. What does not: which of several cuts of
one money counts (``int_spend__grain``).

The currency stands inside the header of the money (``Amount spent (USD)``). A row without the names
of its campaign, ad set and ad restates the sum, first of all or once per day. A daily export has
the column Day beside the first and last day of the whole report; an export without it stands for
that period.
Source: exports as users publish them; insights of the API; tables of a connector.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Table, col

_SPENT = (
    "Amount spent|Montant dépensé|Importe gastado|Потраченная сумма|Сумма затрат|"
    "Ausgegebener Betrag|Importo speso|Valor usado"
)
_INSIGHTS = {
    "date": col("date", "date_start"),
    "date_stop": col("date"),
    "account_id": col("text"),
    "account_name": col("text"),
    "account_currency": col("text"),
    "campaign_id": col("text"),
    "campaign_name": col("text"),
    "ad_set_id": col("text", "adset_id"),
    "ad_set_name": col("text", "adset_name"),
    "ad_id": col("text"),
    "ad_name": col("text"),
    "country": col("text"),
    "region_at": col("text", "region"),
    "age": col("text"),
    "gender": col("text"),
    "platform": col("text", "publisher_platform"),
    "position": col("text", "platform_position"),
    "device": col("text", "impression_device", "device_platform"),
    "spend": col("money"),
    "impressions": col("integer"),
    "clicks": col("integer", "inline_link_clicks"),
    "fivetran_synced": col("instant", "_fivetran_synced"),
}

CONTRACT = Contract(
    system="meta_ads",
    tables=(
        Table(
            name="report",
            feeds=("spend",),
            columns={
                "day_of": col("date", "Day", "День", "Jour", "Día", "Tag"),
                "period_start": col(
                    "date", "Reporting starts", "Начало отчетности", "Дата начала отчетности"
                ),
                "period_end": col(
                    "date",
                    "Reporting ends",
                    "Окончание отчетности",
                    "Дата окончания отчетности",
                ),
                "campaign_title": col(
                    "text",
                    "Campaign name",
                    "Название кампании",
                    "Nom de la campagne",
                    "Nombre de la campaña",
                    "Kampagnenname",
                ),
                "campaign_number": col("text", "Campaign ID", "Идентификатор кампании"),
                "set_title": col(
                    "text", "Ad set name", "Название группы объявлений", "Nom de l'ensemble de pub"
                ),
                "set_number": col("text", "Ad set ID"),
                "ad_title": col("text", "Ad name", "Название объявления", "Nom de la publicité"),
                "ad_number": col("text", "Ad ID"),
                "account_title": col("text", "Account name", "Название аккаунта"),
                "account_number": col("text", "Account ID", "Идентификатор аккаунта"),
                "age_band": col("text", "Age", "Возраст"),
                "sex": col("text", "Gender", "Пол"),
                "country_at": col("text", "Country", "Страна"),
                "region_at": col("text", "Region", "Регион"),
                "platform_at": col("text", "Platform", "Платформа"),
                "placement_at": col("text", "Placement", "Плейсмент"),
                "device_at": col("text", "Impression device", "Device platform"),
                "money_code": col("text", "Currency", "Валюта"),
                "money_spent": col("money", rf"~^({_SPENT})\s*\((?P<money_code>[A-Z]{{3}})\)\s*$"),
                "shown": col("integer", "Impressions", "Показы"),
                "hits": col("integer", "Link clicks", "Клики по ссылке", "Clicks (all)"),
            },
            recognised_by=(
                "campaign_title money_spent",
                "set_title money_spent",
                "ad_title money_spent",
                "account_title money_spent",
                "account_number money_spent",
            ),
            amount="money_spent",
            event_on="day_of",
            drop_without="campaign_title set_title ad_title",
            dated_by=("day_of", "period_start period_end"),
        ),
        Table(
            name="insights",
            feeds=("spend",),
            columns=_INSIGHTS,
            recognised_by=("date spend account_id", "date spend campaign_id", "date spend ad_id"),
            amount="spend",
            event_on="date",
            updated_at="fivetran_synced",
            records=("data", "*.data"),
            utc_by="fivetran_synced",
        ),
        Table(
            name="ad",
            columns={
                "id": col("text"),
                "account_id": col("text"),
                "ad_set_id": col("text", "adset_id"),
                "campaign_id": col("text"),
                "creative_id": col("text"),
                "record_name": col("text", "name"),
                "updated_time": col("instant"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("id ad_set_id campaign_id",),
            records=("data", "*.data"),
        ),
        Table(
            name="ad_set",
            columns={
                "id": col("text"),
                "account_id": col("text"),
                "campaign_id": col("text"),
                "record_name": col("text", "name"),
                "updated_time": col("instant"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("id campaign_id record_name",),
            records=("data", "*.data"),
        ),
        Table(
            name="campaign",
            columns={
                "id": col("text"),
                "account_id": col("text"),
                "record_name": col("text", "name"),
                "updated_time": col("instant"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("id account_id record_name updated_time",),
            records=("data", "*.data"),
        ),
        Table(
            name="account",
            columns={
                "id": col("text"),
                "record_name": col("text", "name"),
                "currency": col("text"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("id record_name fivetran_synced", "id record_name currency"),
            records=("data", "*.data"),
        ),
        Table(
            name="action",
            columns={
                "ad_id": col("text"),
                "account_id": col("text"),
                "date": col("date"),
                "action_type": col("text"),
                "value": col("number"),
            },
            recognised_by=("date action_type value",),
        ),
    ),
)
