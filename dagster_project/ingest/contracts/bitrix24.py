"""Bitrix24: REST objects in both spellings (old and `crm.item.*`) and exports of the interface.

What belongs here: names, kinds, keys. What does not: outcomes by semantics, links that are written
as 0, templates, objects of other types (``stg_bitrix24__*``).

Read: REST answers as they come (one page, a list of pages, batches), records one a line, and the
interface's CSV and "Excel" (a page of HTML). A header of an object that has two spellings is one
column: ``ASSIGNED_BY_ID`` and ``assignedById`` compare alike, ``DATE_CREATE`` and ``createdTime``
stand side by side. Times carry the portal's offset; exports are in the zone of whoever exported.
Source: formats of Bitrix24 as its REST documentation, live answers and public importers show them.
"""

from __future__ import annotations

from dagster_project.ingest.contracts.shape import Contract, Field, Table, col


def _known(names: str) -> dict[str, Field]:
    """Columns that are known and feed nothing."""
    return {name: col("text", name) for name in names.split()}


_ANY = {
    "records": (
        "result",
        "result.items",
        "result.productRows",
        "result.categories",
        "result.requisites",
        "result.result",
        "result.result.*",
        "result.result.*.items",
        "result.result.*.productRows",
        "result.result.*.categories",
    ),
    "paged_by": "start",
    "flatten": True,
    "escape": "\\",
}

_MARKS = {
    "date_create": col("instant", "DATE_CREATE", "createdTime", "Дата создания"),
    "date_modify": col("instant", "DATE_MODIFY", "updatedTime", "Дата изменения"),
    "moved_time": col("instant", "MOVED_TIME"),
    "assigned_by_id": col("reference", "ASSIGNED_BY_ID"),
    "responsible_name": col("text", "Ответственный", "Responsible person", "Responsible"),
    "entity_type_id": col("text", "entityTypeId"),
    **_known(
        "created_by_id modify_by_id moved_by_id created_by updated_by moved_by opened xml_id "
        "last_activity_by last_activity_time originator_id origin_id"
    ),
}

_ORIGIN = {
    "source_id": col("text", "SOURCE_ID"),
    "source_label": col("text", "Источник"),
    "utm_source": col("text", "UTM_SOURCE", "UTM Source"),
    "utm_medium": col("text", "UTM_MEDIUM", "UTM Medium"),
    "utm_campaign": col("text", "UTM_CAMPAIGN", "UTM Campaign"),
}

_LINKS = {
    "company_id": col("reference", "COMPANY_ID"),
    "company_name": col(
        "text", "Компания", "Компания: Название компании", "Компания: Название", "Company"
    ),
    "contact_id": col("reference", "CONTACT_ID"),
    "contact_name": col("text", "Контакт", "Contact"),
}

_PERSON = {
    "name": col("text", "NAME", "Имя"),
    "second_name": col("text", "SECOND_NAME", "Отчество"),
    "last_name": col("text", "LAST_NAME", "Фамилия"),
}

_REACHED_BY = {
    "phone": col("phone", "PHONE", "Рабочий телефон", "Мобильный телефон", "Телефон"),
    "email": col("email", "EMAIL", "Рабочий e-mail", "E-mail", "Частный e-mail"),
}

CONTRACT = Contract(
    system="bitrix24",
    won_date="history",
    wins_dated_by=("deal.moved_time", "stage_history"),
    leads_from_deals="when_no_leads",
    lead_statuses={
        "NEW": "new",
        "IN_PROCESS": "working",
        "PROCESSED": "working",
        "CONVERTED": "converted",
        "JUNK": "junk",
    },
    activity_types={
        "CALL": "call",
        "MEETING": "meeting",
        "EMAIL": "email",
        "TASK": "other",
        "TODO": "other",
        "ACTION": "other",
        "OTHER": "other",
    },
    tables=(
        Table(
            name="deal",
            feeds=("deals", "deal_items", "deal_stages"),
            columns={
                "id": col("key", "ID"),
                "title": col("text", "TITLE", "Название сделки", "Deal name"),
                "type_id": col("text", "TYPE_ID", "Тип"),
                "category_id": col("text", "CATEGORY_ID"),
                "pipeline_name": col("text", "Воронка", "Pipeline"),
                "stage_id": col("text", "STAGE_ID"),
                "stage_name": col("text", "Стадия сделки", "Стадия", "Deal stage", "Stage"),
                "stage_semantic_id": col("text", "STAGE_SEMANTIC_ID"),
                "opportunity": col("money", "OPPORTUNITY", "Сумма", "Amount", "Total"),
                "currency_id": col("text", "CURRENCY_ID", "Валюта", "Currency"),
                "probability": col("text", "PROBABILITY", "Вероятность"),
                "begin_date": col("date", "BEGINDATE", "Дата начала", "Start date"),
                "close_date": col("date", "CLOSEDATE", "Предполагаемая дата закрытия"),
                "closed": col("boolean", "CLOSED", "Сделка закрыта"),
                "is_recurring": col("boolean", "IS_RECURRING"),
                "is_new": col("boolean", "IS_NEW"),
                "is_manual_opportunity": col("text", "IS_MANUAL_OPPORTUNITY"),
                "is_return_customer": col("text", "IS_RETURN_CUSTOMER"),
                "is_repeated_approach": col("text", "IS_REPEATED_APPROACH"),
                "tax_value": col("text", "TAX_VALUE"),
                "quote_id": col("text", "QUOTE_ID"),
                "lead_id": col("reference", "LEAD_ID"),
                "product_name": col("text", "Товар", "Product"),
                "product_price": col("price", "Цена"),
                "product_quantity": col("number", "Количество"),
                **_ORIGIN,
                **_LINKS,
                **_MARKS,
            },
            recognised_by=(
                "id stage_id stage_semantic_id",
                "id stage_id category_id",
                "id stage_id opportunity",
                "id stage_id close_date",
                "id stage_id assigned_by_id date_create",
                "id stage_name title",
                "id stage_name close_date",
                "title stage_name opportunity",
            ),
            key="id",
            amount="opportunity",
            event_on="date_create",
            updated_at="date_modify",
            file_names=(r"deal", r"сделк"),
            **_ANY,
        ),
        Table(
            name="lead",
            feeds=("leads",),
            columns={
                "id": col("key", "ID"),
                "title": col("text", "TITLE", "Название лида", "Lead name"),
                "status_id": col("text", "STATUS_ID"),
                "stage_id": col("text", "stageId"),
                "status_name": col("text", "Стадия лида", "Статус лида", "Стадия", "Статус"),
                "status_semantic_id": col("text", "STATUS_SEMANTIC_ID", "stageSemanticId"),
                "status_description": col("text", "STATUS_DESCRIPTION"),
                "date_closed": col("instant", "DATE_CLOSED"),
                "opportunity": col("number", "OPPORTUNITY", "Сумма"),
                "currency_id": col("text", "CURRENCY_ID", "Валюта"),
                "company_title": col("text", "COMPANY_TITLE", "Название компании"),
                "is_return_customer": col("text", "IS_RETURN_CUSTOMER"),
                "is_manual_opportunity": col("text", "IS_MANUAL_OPPORTUNITY"),
                "has_phone": col("text", "HAS_PHONE"),
                "has_email": col("text", "HAS_EMAIL"),
                "has_imol": col("text", "HAS_IMOL"),
                "honorific": col("text", "HONORIFIC"),
                "post": col("text", "POST"),
                **_PERSON,
                **_REACHED_BY,
                **_ORIGIN,
                **_LINKS,
                **_MARKS,
            },
            recognised_by=(
                "id status_id status_semantic_id",
                "id status_id title",
                "id status_id assigned_by_id",
                "id status_id date_create",
                "id stage_id last_name",
                "id stage_id company_title",
                "id stage_id date_closed",
                "id stage_id status_description",
                "id status_name title",
            ),
            key="id",
            event_on="date_create",
            updated_at="date_modify",
            file_names=(r"lead", r"лид"),
            **_ANY,
        ),
        Table(
            name="stage_history",
            feeds=("deal_stages",),
            columns={
                "id": col("key", "ID"),
                "type_id": col("text", "TYPE_ID"),
                "owner_id": col("reference", "OWNER_ID"),
                "created_time": col("instant", "CREATED_TIME"),
                "category_id": col("text", "CATEGORY_ID"),
                "stage_semantic_id": col("text", "STAGE_SEMANTIC_ID"),
                "stage_id": col("text", "STAGE_ID"),
            },
            recognised_by=("id owner_id stage_id created_time",),
            key="id",
            event_on="created_time",
            **_ANY,
        ),
        Table(
            name="lead_stage_history",
            columns={
                "id": col("key", "ID"),
                "type_id": col("text", "TYPE_ID"),
                "owner_id": col("reference", "OWNER_ID"),
                "created_time": col("instant", "CREATED_TIME"),
                "status_semantic_id": col("text", "STATUS_SEMANTIC_ID"),
                "status_id": col("text", "STATUS_ID"),
            },
            recognised_by=("id owner_id status_id created_time",),
            key="id",
            event_on="created_time",
            **_ANY,
        ),
        Table(
            name="status",
            feeds=("stages",),
            columns={
                "id": col("text", "ID"),
                "entity_id": col("text", "ENTITY_ID"),
                "status_id": col("text", "STATUS_ID"),
                "name": col("text", "NAME"),
                "name_init": col("text", "NAME_INIT"),
                "sort": col("integer", "SORT"),
                "system": col("text", "SYSTEM"),
                "color": col("text", "COLOR"),
                "category_id": col("text", "CATEGORY_ID"),
                "semantics": col("text", "SEMANTICS"),
                "extra_semantics": col("text", "EXTRA.SEMANTICS"),
                "extra_color": col("text", "EXTRA.COLOR"),
                "command": col("text", "parent.key"),
            },
            recognised_by=("entity_id status_id name", "status_id name sort"),
            **_ANY,
        ),
        Table(
            name="category",
            columns={
                "id": col("key", "ID"),
                "name": col("text", "NAME"),
                "sort": col("integer", "SORT"),
                "entity_type_id": col("text", "entityTypeId"),
                "is_default": col("text", "isDefault"),
                "is_locked": col("text", "IS_LOCKED"),
                "created_date": col("text", "CREATED_DATE"),
                "origin_id": col("text", "originId"),
                "originator_id": col("text", "originatorId"),
            },
            recognised_by=(
                "id name sort entity_type_id",
                "id name sort is_default",
                "id name sort is_locked",
            ),
            key="id",
            **_ANY,
        ),
        Table(
            name="product_row",
            feeds=("deal_items",),
            columns={
                "id": col("key", "ID"),
                "owner_id": col("reference", "OWNER_ID"),
                "owner_type": col("text", "OWNER_TYPE"),
                "product_id": col("reference", "PRODUCT_ID"),
                "product_name": col("text", "PRODUCT_NAME"),
                "original_product_name": col("text", "ORIGINAL_PRODUCT_NAME"),
                "price": col("price", "PRICE"),
                "quantity": col("number", "QUANTITY"),
                **_known(
                    "price_account price_exclusive price_netto price_brutto discount_type_id "
                    "discount_rate discount_sum tax_rate tax_included customized measure_code "
                    "measure_name sort xml_id type store_id product_description"
                ),
            },
            recognised_by=(
                "id owner_id owner_type product_name price quantity",
                "id owner_id owner_type product_id price quantity",
            ),
            key="id",
            **_ANY,
        ),
        Table(
            name="company",
            feeds=("customers",),
            columns={
                "id": col("key", "ID"),
                "title": col("text", "TITLE", "Название компании", "Company name"),
                "company_type": col("text", "COMPANY_TYPE", "typeId", "Тип компании"),
                "industry": col("text", "INDUSTRY", "Сфера деятельности"),
                "revenue": col("text", "REVENUE", "Годовой оборот"),
                "employees": col("text", "EMPLOYEES", "Кол-во сотрудников"),
                "is_my_company": col("boolean", "IS_MY_COMPANY"),
                "address_city": col("text", "ADDRESS_CITY"),
                **_REACHED_BY,
                **_MARKS,
            },
            recognised_by=(
                "id title company_type",
                "id title industry",
                "id title is_my_company",
                "id title phone assigned_by_id",
            ),
            key="id",
            event_on="date_create",
            updated_at="date_modify",
            file_names=(r"compan", r"компани"),
            **_ANY,
        ),
        Table(
            name="contact",
            feeds=("customers",),
            columns={
                "id": col("key", "ID"),
                "type_id": col("text", "TYPE_ID", "Тип контакта"),
                "company_id": col("reference", "COMPANY_ID"),
                "company_name": col("text", "Компания"),
                "export": col("text", "EXPORT"),
                "post": col("text", "POST", "Должность"),
                "honorific": col("text", "HONORIFIC"),
                "source_id": col("text", "SOURCE_ID"),
                "has_phone": col("text", "HAS_PHONE"),
                "has_email": col("text", "HAS_EMAIL"),
                **_PERSON,
                **_REACHED_BY,
                **_MARKS,
            },
            recognised_by=(
                "id last_name export",
                "id last_name company_id date_create",
                "id last_name type_id assigned_by_id",
                "id name last_name phone responsible_name",
                "id name last_name company_name responsible_name",
            ),
            key="id",
            event_on="date_create",
            updated_at="date_modify",
            file_names=(r"contact", r"контакт"),
            **_ANY,
        ),
        Table(
            name="requisite",
            columns={
                "id": col("key", "ID"),
                "entity_type_id": col("text", "ENTITY_TYPE_ID"),
                "entity_id": col("reference", "ENTITY_ID"),
                "preset_id": col("text", "PRESET_ID"),
                "name": col("text", "NAME"),
                "rq_inn": col("text", "RQ_INN"),
                "rq_kpp": col("text", "RQ_KPP"),
            },
            recognised_by=("id entity_type_id entity_id rq_inn",),
            key="id",
            **_ANY,
        ),
        Table(
            name="user",
            feeds=("managers",),
            columns={
                "id": col("key", "ID"),
                "active": col("boolean", "ACTIVE", "Активность"),
                "email": col("email", "EMAIL", "E-Mail"),
                "uf_department": col("text", "UF_DEPARTMENT"),
                "work_department": col("text", "WORK_DEPARTMENT", "Отдел", "Подразделения"),
                "work_position": col("text", "WORK_POSITION", "Должность"),
                "user_type": col("text", "USER_TYPE"),
                "uf_employment_date": col("date", "UF_EMPLOYMENT_DATE", "Дата принятия на работу"),
                "date_register": col("text", "DATE_REGISTER"),
                **_PERSON,
            },
            recognised_by=(
                "id active name last_name",
                "id uf_department last_name",
                "id email last_name user_type",
                "id last_name work_position uf_employment_date",
            ),
            key="id",
            file_names=(r"user", r"сотрудник"),
            **_ANY,
        ),
        Table(
            name="department",
            columns={
                "id": col("key", "ID"),
                "name": col("text", "NAME"),
                "sort": col("integer", "SORT"),
                "parent": col("text", "PARENT"),
                "uf_head": col("text", "UF_HEAD"),
            },
            recognised_by=("id name sort uf_head", "id name sort parent"),
            key="id",
            **_ANY,
        ),
        Table(
            name="activity",
            feeds=("activities",),
            columns={
                "id": col("key", "ID"),
                "owner_id": col("reference", "OWNER_ID"),
                "owner_type_id": col("text", "OWNER_TYPE_ID"),
                "type_id": col("text", "TYPE_ID"),
                "provider_id": col("text", "PROVIDER_ID"),
                "provider_type_id": col("text", "PROVIDER_TYPE_ID"),
                "completed": col("boolean", "COMPLETED"),
                "status": col("text", "STATUS"),
                "direction": col("text", "DIRECTION"),
                "responsible_id": col("reference", "RESPONSIBLE_ID"),
                "start_time": col("instant", "START_TIME"),
                "end_time": col("instant", "END_TIME"),
                "created": col("instant", "CREATED"),
                "last_updated": col("instant", "LAST_UPDATED"),
                **_known(
                    "provider_group_id associated_entity_id deadline priority notify_type "
                    "notify_value author_id editor_id origin_id originator_id "
                    "autocomplete_rule is_incoming_channel"
                ),
            },
            recognised_by=(
                "id owner_type_id type_id completed",
                "id owner_type_id provider_id",
            ),
            key="id",
            event_on="start_time",
            updated_at="last_updated",
            **_ANY,
        ),
        Table(
            name="call",
            feeds=("activities",),
            columns={
                "id": col("key", "ID"),
                "call_id": col("text", "CALL_ID"),
                "call_type": col("text", "CALL_TYPE"),
                "call_duration": col("integer", "CALL_DURATION"),
                "call_start_date": col("instant", "CALL_START_DATE"),
                "call_failed_code": col("text", "CALL_FAILED_CODE"),
                "portal_user_id": col("reference", "PORTAL_USER_ID"),
                "crm_entity_type": col("text", "CRM_ENTITY_TYPE"),
                "crm_entity_id": col("reference", "CRM_ENTITY_ID"),
                "crm_activity_id": col("reference", "CRM_ACTIVITY_ID"),
                "call_category": col("text", "CALL_CATEGORY"),
                "portal_number": col("text", "PORTAL_NUMBER"),
            },
            recognised_by=("id call_start_date call_duration", "id call_start_date call_type"),
            key="id",
            event_on="call_start_date",
            **_ANY,
        ),
        Table(
            name="product",
            feeds=("products",),
            columns={
                "id": col("key", "ID"),
                "name": col("text", "NAME"),
                "price": col("price", "PRICE"),
                "currency_id": col("text", "CURRENCY_ID"),
                "section_id": col("text", "SECTION_ID"),
                "catalog_id": col("text", "CATALOG_ID"),
                "active": col("text", "ACTIVE"),
                "measure": col("text", "MEASURE"),
            },
            recognised_by=(
                "id name price currency_id section_id",
                "id name price currency_id catalog_id",
            ),
            key="id",
            **_ANY,
        ),
    ),
)
