"""amoCRM and Kommo: API v4 as JSON, and the export of deals as CSV or XLSX (Russian, English).

What belongs here: names, kinds, keys. What does not: outcomes by the ids 142 and 143, leads by the
unsorted inbox, tombstones, values inside events (``stg_amocrm__*``, ``macros/amocrm.sql``).

amoCRM has one object, `lead`: its raw table fills deals and leads, by the rule of the staging
models. Names of the API stand first everywhere: a custom field may be called like a column of the
export. The export repeats headers (a field of the deal and one of the contact): `Header.2` is the
second. Tables without `feeds` are read for names, or only so that a dump of them is known.
Source: the official client and public dumps of API v4; the header of a real export.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Field, Table, col

_CURRENCIES = r"[₽$€₸₴£?]|руб\.?|р\.|RUB|USD|EUR|KZT|UAH|BYN|UZS|GBP|BRL|MXN"


def _api(*paths: str, flatten: bool = True) -> dict[str, tuple[str, ...] | bool | str]:
    """Return how records of API v4 lie in their pages."""
    return {
        "records": tuple(f"_embedded.{path}" for path in paths),
        "flatten": flatten,
        "custom_fields": "custom_fields_values",
        "paged_by": "number",
    }


_MARKS = {
    "created_by": col("reference", "created_by", "Кем создана сделка", "Created by"),
    "updated_by": col("reference", "updated_by", "Кем редактирована", "Modified by"),
    "created_at": col(
        "instant",
        "created_at",
        "Дата создания сделки",
        "Дата создания",
        "Created at",
        "Date created",
        "Creation date",
        "Created",
    ),
    "updated_at": col(
        "instant",
        "updated_at",
        "Дата редактирования",
        "Дата изменения",
        "Last modified",
        "Date modified",
        "Modified at",
    ),
    "responsible_user_id": col("reference", "responsible_user_id"),
    "group_id": col("reference", "group_id"),
    "account_id": col("reference", "account_id"),
}


def _contact_of(field: str, russian: str, english: str) -> tuple[str, ...]:
    """Spell a field of the main contact as exports of deals do."""
    return (f"field:{field}", russian, f"{russian} (контакт)", english, f"{english} (contact)")


_LEAD: dict[str, Field] = {
    "id": col("key", "id", "ID сделки", "Lead ID", "Deal ID"),
    "record_name": col(
        "text", "name", "Название сделки", "Название", "Lead title", "Deal name", "Lead name"
    ),
    "price_with_minor_units": col("money", "price_with_minor_units"),
    "price": col(
        "money",
        "price",
        "Бюджет",
        "Бюджет сделки",
        "Budget",
        "Sale",
        "Lead value",
        rf"~^(?:Бюджет|Budget|Sale|Price)(?: сделки)?[\s,(]*(?P<currency>{_CURRENCIES})\)?\s*$",
    ),
    "currency": col("text"),  # of the header: what a user's own field says moves no money
    "status_id": col("reference", "status_id"),
    "pipeline_id": col("reference", "pipeline_id"),
    "stage_name": col(
        "text",
        "Этап сделки",
        "Статус сделки",
        "Lead stage",
        "Lead status",
        "Deal stage",
        "Pipeline stage",
        "Этап",
        "Stage",
        "Status",
    ),
    "pipeline_name": col(
        "text", "Воронка", "Название воронки", "Воронка продаж", "Pipeline", "Pipeline name"
    ),
    "closed_at": col(
        "instant",
        "closed_at",
        "Дата закрытия",
        "Дата закрытия сделки",
        "Closed at",
        "Date closed",
        "Closing date",
    ),
    "is_deleted": col("boolean", "is_deleted"),
    "loss_reason_id": col("reference", "loss_reason_id"),
    "loss_reason": col(
        "text",
        "loss_reason",
        "Причина отказа",
        "Причина закрытия",
        "Loss reason",
        "Reason for loss",
    ),
    "embedded_loss_reason": col("text", "_embedded.loss_reason"),
    "embedded_companies": col("text", "_embedded.companies"),
    "embedded_contacts": col("text", "_embedded.contacts"),
    "responsible_name": col(
        "text", "Ответственный", "Ответственный за сделку", "Responsible user", "Responsible"
    ),
    "company_name": col("text", "Компания", "Company", "Company name"),
    "contact_company": col("text", "Компания контакта", "Contact's company"),
    "contact_name": col(
        "text",
        "Полное имя контакта",
        "Основной контакт",
        "Контакт",
        "Main contact",
        "Contact name",
        "Contact",
    ),
    "work_phone": col("phone", *_contact_of("PHONE", "Рабочий телефон", "Work phone")),
    "mobile_phone": col("phone", "Мобильный телефон", "Mobile phone"),
    "direct_phone": col("phone", "Рабочий прямой телефон", "Work direct phone"),
    "home_phone": col("phone", "Домашний телефон", "Home phone"),
    "other_phone": col("phone", "Другой телефон", "Other phone"),
    "work_email": col("email", *_contact_of("EMAIL", "Рабочий email", "Work email")),
    "private_email": col("email", "Личный email", "Private email"),
    "other_email": col("email", "Другой email", "Other email"),
    "source_field": col("text", "Источник", "Источник сделки", "Lead source", "Source"),
    "source_field_2": col("text", "Источник.2"),
    "source_id": col("reference", "source_id"),
    "utm_source": col("text", "field:UTM_SOURCE", "utm_source"),
    "utm_campaign": col("text", "field:UTM_CAMPAIGN", "utm_campaign"),
    "utm_medium": col("text", "field:UTM_MEDIUM", "utm_medium"),
    "utm_content": col("text", "field:UTM_CONTENT", "utm_content"),
    "utm_term": col("text", "field:UTM_TERM", "utm_term"),
    "tags": col("text", "_embedded.tags", "Теги", "Теги сделки", "Tags", "Lead tags"),
    "score": col("text", "score"),
    "labor_cost": col("text", "labor_cost"),
    "closest_task_at": col("text", "closest_task_at"),
    **_MARKS,
}

_CALLS_AND_LETTERS = {
    "call_in": "call",
    "call_out": "call",
    "amomail_message": "email",
    "sms_in": "other",
    "sms_out": "other",
}
_TASKS = {"task_1": "other", "task_2": "meeting"}

CONTRACT = Contract(
    system="amocrm",
    won_date="history",
    leads_from_deals="staged",
    lead_statuses={"unsorted": "new", "declined": "junk", "accepted": "working"},
    activity_types=_CALLS_AND_LETTERS | _TASKS,
    tables=(
        Table(
            name="lead",
            feeds=("deals", "leads", "deal_stages"),
            columns=_LEAD,
            recognised_by=(
                "status_id pipeline_id",
                "status_id price",
                "stage_name record_name",
                "stage_name price",
                "stage_name pipeline_name created_at",
                "id is_deleted updated_at",
            ),
            key="id",
            amount="price_with_minor_units price",
            event_on="created_at",
            updated_at="updated_at",
            file_names=(r"^(leads?|deals?|сделки)",),
            dotted_dates="dmy",
            **_api("leads"),
        ),
        Table(
            name="event",
            feeds=("deal_stages", "deal_changes"),
            columns={
                "id": col("key"),
                "type": col("text"),
                "entity_id": col("reference"),
                "entity_type": col("text"),
                "created_by": col("reference"),
                "created_at": col("instant"),
                "value_before": col("text"),
                "value_after": col("text"),
                "account_id": col("reference"),
            },
            recognised_by=("id type entity_id value_after", "id type entity_id entity_type"),
            key="id",
            event_on="created_at",
            file_names=(r"^events?",),
            **_api("events", flatten=False),
        ),
        Table(
            name="status",
            feeds=("stages",),
            columns={
                "id": col("reference"),
                "record_name": col("text", "name"),
                "sort": col("integer"),
                "pipeline_id": col("reference", "pipeline_id", "parent.id"),
                "pipeline_name": col("text", "parent.name"),
                "type": col("text"),
                "is_editable": col("text"),
                "color": col("text"),
                "account_id": col("reference"),
            },
            recognised_by=("id record_name sort pipeline_id type", "id record_name color sort"),
            file_names=(r"pipeline|status|ворон",),
            **_api("pipelines._embedded.statuses", "statuses"),
        ),
        Table(
            name="user",
            feeds=("managers",),
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "email": col("email", "email"),
                "lang": col("text"),
                "is_active": col("boolean", "rights.is_active", "is_active"),
                "is_admin": col("text", "rights.is_admin", "is_admin"),
                "group_id": col("reference", "rights.group_id", "group_id"),
                "role_id": col("reference", "rights.role_id", "role_id"),
                "embedded_groups": col("text", "_embedded.groups"),
                "embedded_roles": col("text", "_embedded.roles"),
            },
            recognised_by=(
                "id record_name is_active group_id",
                "id record_name is_admin is_active",
                "id record_name email lang",
            ),
            key="id",
            file_names=(r"^users?",),
            **_api("users"),
        ),
        Table(
            name="contact",
            feeds=("customers",),
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "first_name": col("text"),
                "last_name": col("text"),
                "phone": col("phone", "field:PHONE"),
                "email": col("email", "field:EMAIL"),
                "is_deleted": col("boolean"),
                "embedded_companies": col("text", "_embedded.companies"),
                **_MARKS,
            },
            recognised_by=("id first_name last_name responsible_user_id",),
            key="id",
            event_on="created_at",
            updated_at="updated_at",
            file_names=(r"^contacts?",),
            **_api("contacts"),
        ),
        Table(
            name="company",
            feeds=("customers",),
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "phone": col("phone", "field:PHONE"),
                "email": col("email", "field:EMAIL"),
                "tax_id": col("text", "ИНН", "INN", "field:INN"),
                "is_deleted": col("boolean"),
                "embedded_contacts": col("text", "_embedded.contacts"),
                **_MARKS,
            },
            recognised_by=("id record_name responsible_user_id created_at updated_at",),
            key="id",
            event_on="created_at",
            updated_at="updated_at",
            file_names=(r"^compan(y|ies)",),
            **_api("companies"),
        ),
        Table(
            name="task",
            feeds=("activities",),
            columns={
                "id": col("key"),
                "task_type_id": col("text"),
                "is_completed": col("boolean"),
                "complete_till": col("instant"),
                "entity_id": col("reference"),
                "entity_type": col("text"),
                **_MARKS,
            },
            recognised_by=("id task_type_id complete_till", "id is_completed complete_till"),
            key="id",
            event_on="created_at",
            updated_at="updated_at",
            file_names=(r"^tasks?",),
            **_api("tasks"),
        ),
        Table(
            name="note",
            feeds=("activities",),
            columns={
                "id": col("key"),
                "note_type": col("text"),
                "entity_id": col("reference"),
                "entity_type": col("text", "entity_type"),
                "link": col("text", "_links.self.href"),
                "duration": col("integer", "params.duration"),
                "call_status": col("text", "params.call_status"),
                "is_income": col("text", "params.income"),
                **_MARKS,
            },
            recognised_by=("id note_type entity_id", "id note_type created_at"),
            key="id",
            event_on="created_at",
            updated_at="updated_at",
            file_names=(r"notes?",),
            **_api("notes"),
        ),
        Table(
            name="loss_reason",
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "sort": col("text"),
                "created_at": col("instant"),
                "updated_at": col("instant"),
            },
            recognised_by=("id record_name sort created_at", "id record_name sort"),
            key="id",
            file_names=(r"loss",),
            **_api("loss_reasons"),
        ),
        Table(
            name="source",
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "external_id": col("text"),
                "pipeline_id": col("reference"),
                "origin_code": col("text"),
            },
            recognised_by=("id record_name external_id",),
            key="id",
            file_names=(r"source",),
            **_api("sources"),
        ),
        Table(
            name="group",
            columns={"id": col("key"), "record_name": col("text", "name"), "uuid": col("text")},
            recognised_by=("id record_name uuid",),
            key="id",
            file_names=(r"group",),
            **_api("users_groups"),
        ),
        Table(
            name="unsorted",
            columns={
                "uid": col("key"),
                "category": col("text"),
                "source_uid": col("text"),
                "pipeline_id": col("reference"),
                "created_at": col("instant"),
            },
            recognised_by=("uid category created_at",),
            key="uid",
            file_names=(r"unsorted",),
            **_api("unsorted"),
        ),
        Table(
            name="custom_field",
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "type": col("text"),
                "code": col("text"),
                "sort": col("text"),
                "entity_type": col("text"),
            },
            recognised_by=("id record_name type entity_type", "id record_name type code sort"),
            key="id",
            file_names=(r"custom_fields?",),
            **_api("custom_fields"),
        ),
        Table(
            name="tag",
            columns={"id": col("key"), "record_name": col("text", "name"), "color": col("text")},
            recognised_by=("id record_name color",),
            key="id",
            file_names=(r"tags?",),
            **_api("tags"),
        ),
        Table(
            name="account",
            columns={"id": col("key"), "subdomain": col("text")},
            recognised_by=("id subdomain",),
            key="id",
            file_names=(r"account",),
            flatten=True,
        ),
    ),
)
