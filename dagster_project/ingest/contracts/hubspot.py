"""HubSpot: objects of CRM v3, labels of exports, connector columns.

What belongs here: names, kinds, keys. What does not: outcomes, merges, who is a lead
(``stg_hubspot__*``, macros in ``hubspot.sql``).

Read: pages and single records of `/crm/v3/objects/*`, owners and pipelines as JSON or one object a
line, with history and associations where they were asked for; exports of deals, contacts and
companies as CSV or XLSX, whose headers are labels of properties; tables of connectors
(``property_*``, ``_fivetran_*``). Tables of links and tables that no figure needs share one raw
table each.
Source: public seeds of a connector, answers of the API as client libraries keep them, headers of
exports.
"""

from __future__ import annotations

from typing import Any

from dagster_project.ingest.contracts.shape import Contract, Field, Table, col

_JSON: dict[str, Any] = {
    "records": ("results",),
    "flatten": True,
    "utc_by": "fivetran_synced",
    "paged_by": "after",
}


def _property(kind: str, name: str, *labels: str) -> Field:
    """Spell a property: inside ``properties``, as a connector's column, bare, by its labels."""
    return col(kind, f"properties.{name}", f"property_{name}", name, *labels)


def _linked(*objects: str) -> dict[str, Field]:
    """Spell associations of an object, and their history-free lists of ids in exports."""
    return {f"linked_{name}": col("text", f"associations.{name}.results") for name in objects}


def _history(*properties: str) -> dict[str, Field]:
    return {f"{name}_history": col("text", f"propertiesWithHistory.{name}") for name in properties}


_ID = ("id", "Record ID", "properties.hs_object_id", "hs_object_id")
_SOURCE = {
    "analytics_source": _property(
        "text", "hs_analytics_source", "Original Source", "Original Traffic Source"
    ),
    "analytics_source_data_1": _property(
        "text",
        "hs_analytics_source_data_1",
        "Original Source Drill-Down 1",
        "Original Traffic Source Drill-Down 1",
    ),
    "analytics_source_data_2": _property(
        "text",
        "hs_analytics_source_data_2",
        "Original Source Drill-Down 2",
        "Original Traffic Source Drill-Down 2",
    ),
}
_MARKS = {
    "createdate": _property("instant", "createdate", "Create Date", "createdAt"),
    "lastmodifieddate": _property(
        "instant", "hs_lastmodifieddate", "lastmodifieddate", "Last Modified Date"
    ),
    "updated_at": col("instant", "updatedAt"),
    "archived_at": col("instant", "archivedAt"),
    "archived": col("boolean", "archived"),
    "is_deleted": col("boolean", "is_deleted"),
    "merged_object_ids": _property("text", "hs_merged_object_ids", "Merged object IDs"),
    "fivetran_deleted": col("boolean", "_fivetran_deleted"),
    "fivetran_synced": col("instant", "_fivetran_synced"),
}
_KEPT = {"key": "id", "event_on": "createdate", "updated_at": "lastmodifieddate"}

_DEAL = {
    "id": col("key", *_ID, "deal_id", "Deal ID"),
    "dealname": _property("text", "dealname", "Deal Name"),
    "dealstage": _property("text", "dealstage", "Deal Stage"),
    "connector_stage_id": col("text", "deal_pipeline_stage_id"),
    "pipeline": _property("text", "pipeline", "Pipeline", "deal_pipeline_id"),
    "amount": _property("money", "amount", "Amount"),
    "amount_in_home_currency": _property(
        "number", "amount_in_home_currency", "Amount in company currency"
    ),
    "deal_currency_code": _property("text", "deal_currency_code", "Currency"),
    "closedate": _property("instant", "closedate", "Close Date"),
    "owner_id": _property("reference", "hubspot_owner_id", "owner_id"),
    "owner_name": col("text", "Deal owner"),
    "is_closed": _property("boolean", "hs_is_closed", "Is Deal Closed?"),
    "is_closed_won": _property("boolean", "hs_is_closed_won", "Is Closed Won"),
    "stage_probability": _property("share", "hs_deal_stage_probability", "Deal probability"),
    "closed_lost_reason": _property("text", "closed_lost_reason", "Closed Lost Reason"),
    "primary_company": _property("reference", "hs_primary_associated_company"),
    "company_ids": col("text", "Associated Company IDs", "Associated Company IDs (Primary)"),
    "company_name": col("text", "Associated Company", "Associated Company (Primary)"),
    "contact_ids": col("text", "Associated Contact IDs"),
    "contact_name": col("text", "Associated Contact"),
    **{
        name: _property("text", name)
        for name in ("closed_won_reason", "dealtype", "hubspot_team_id", "description")
    },
    "portal_id": col("text"),
    **_SOURCE,
    **_MARKS,
    **_linked("companies", "contacts"),
    **_history("dealstage", "pipeline", "hubspot_owner_id", "amount", "closedate"),
}

_CONTACT = {
    "id": col("key", *_ID, "Record ID - Contact", "Contact ID"),
    "firstname": _property("text", "firstname", "First Name"),
    "lastname": _property("text", "lastname", "Last Name"),
    "email": _property("email", "email", "Email"),
    "phone": _property("phone", "phone", "Phone Number"),
    "mobilephone": _property("phone", "mobilephone", "Mobile Phone Number"),
    "company": _property("text", "company", "Company Name"),
    "owner_id": _property("reference", "hubspot_owner_id"),
    "owner_name": col("text", "Contact owner"),
    "lifecyclestage": _property("text", "lifecyclestage", "Lifecycle Stage"),
    "lead_status": _property("text", "hs_lead_status", "Lead Status"),
    "qualified_date": _property(
        "instant",
        "hs_lifecyclestage_salesqualifiedlead_date",
        "Became a Sales Qualified Lead Date",
    ),
    "opportunity_date": _property(
        "instant", "hs_lifecyclestage_opportunity_date", "Became an Opportunity Date"
    ),
    "company_ids": col("text", "Associated Company IDs", "Associated Company IDs (Primary)"),
    "deal_ids": col("text", "Associated Deal IDs"),
    **{
        name: _property("text", name)
        for name in ("num_associated_deals", "jobtitle", "annualrevenue")
    },
    **_SOURCE,
    **_MARKS,
    **_linked("companies", "deals"),
    **_history("lifecyclestage", "hs_lead_status", "hubspot_owner_id"),
}

_COMPANY = {
    "id": col("key", *_ID, "Record ID - Company", "Company ID"),
    "record_name": col("text", "properties.name", "property_name", "Company name"),
    "domain": _property("text", "domain", "Company Domain Name"),
    "phone": _property("phone", "phone", "Phone Number"),
    "country": _property("text", "country", "Country/Region"),
    "city": _property("text", "city", "City"),
    "state": _property("text", "state", "State/Region"),
    "industry": _property("text", "industry", "Industry"),
    "lifecyclestage": _property("text", "lifecyclestage", "Lifecycle Stage"),
    "owner_id": _property("reference", "hubspot_owner_id"),
    "owner_name": col("text", "Company owner"),
    "annualrevenue": _property("text", "annualrevenue", "Annual Revenue"),
    "description": _property("text", "description"),
    **_MARKS,
}


def _engagement(**columns: Field) -> dict[str, Field]:
    """Return the columns of one kind of engagement."""
    return {
        "id": col("key", *_ID, "engagement_id"),
        "hs_timestamp": _property("instant", "hs_timestamp", "Activity date"),
        "hs_createdate": _property("instant", "hs_createdate", "createdAt"),
        "owner_id": _property("reference", "hubspot_owner_id"),
        "owner_name": col("text", "Activity assigned to"),
        "type": col("text", "type"),
        "hs_activity_type": _property("text", "hs_activity_type"),
        **{k: v for k, v in _MARKS.items() if k != "createdate"},
        **_linked("deals", "contacts"),
        **columns,
    }


_ACTIVITY = {"feeds": ("activities",), "key": "id", "event_on": "hs_timestamp", **_JSON}
_ACTIVITY["updated_at"] = "lastmodifieddate"

CONTRACT = Contract(
    system="hubspot",
    won_date="crm_close",
    lead_statuses={
        "lead": "new",
        "new": "new",
        "open": "new",
        "marketingqualifiedlead": "working",
        "inprogress": "working",
        "attemptedtocontact": "working",
        "connected": "working",
        "badtiming": "working",
        "salesqualifiedlead": "qualified",
        "opportunity": "converted",
        "opendeal": "converted",
        "customer": "converted",
        "unqualified": "junk",
    },
    activity_types={
        "CALL": "call",
        "MEETING": "meeting",
        "EMAIL": "email",
        "INCOMING_EMAIL": "email",
        "FORWARDED_EMAIL": "email",
        "TASK": "other",
        "COMMUNICATION": "other",
    },
    tables=(
        Table(
            name="deal",
            feeds=("deals", "deal_stages", "deal_changes"),
            columns=_DEAL,
            recognised_by=("id dealstage", "id connector_stage_id", "id dealname"),
            amount="amount",
            file_names=(r"deal",),
            **_KEPT,
            **(_JSON | {"utc_by": "connector_stage_id"}),
        ),
        Table(
            name="property_history",
            feeds=("deal_changes", "deal_stages"),
            columns={
                "deal_id": col("reference"),
                "name": col("text"),
                "value": col("text"),
                "changed_at": col("instant", "timestamp", "timestamp_instant"),
                "source": col("text"),
                "source_id": col("text"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("deal_id name value changed_at",),
            event_on="changed_at",
            **_JSON,
        ),
        Table(
            name="deal_stage",
            feeds=("deal_stages",),
            columns={
                "deal_id": col("reference"),
                "value": col("text"),
                "date_entered": col("instant"),
                "source": col("text"),
                "source_id": col("text"),
                "fivetran_start": col("instant", "_fivetran_start"),
                "fivetran_end": col("instant", "_fivetran_end"),
                "fivetran_active": col("boolean", "_fivetran_active"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("deal_id value date_entered",),
            event_on="date_entered",
            **_JSON,
        ),
        Table(
            name="stage",
            feeds=("stages",),
            columns={
                "id": col("reference", "stage_id", "id"),
                "label": col("text"),
                "display_order": col("integer"),
                "is_closed": col("boolean", "metadata.isClosed", "is_closed"),
                "probability": col("share", "metadata.probability", "probability"),
                "closed_won": col("boolean"),
                "pipeline_id": col("reference", "parent.id", "pipeline_id"),
                "pipeline_label": col("text", "parent.label"),
                "archived": col("boolean"),
                "active": col("boolean"),
                "fivetran_deleted": col("boolean", "_fivetran_deleted"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=("id label probability", "id label closed_won"),
            file_names=(r"pipeline|stage",),
            records=("results.stages", "stages", "results"),
            flatten=True,
        ),
        Table(
            name="contact",
            feeds=("customers", "leads"),
            columns=_CONTACT,
            recognised_by=(
                "id lifecyclestage email",
                "id lifecyclestage createdate",
                "id firstname lastname owner_name",
                "id firstname lastname createdate",
            ),
            file_names=(r"contact",),
            **_KEPT,
            **_JSON,
        ),
        Table(
            name="company",
            feeds=("customers",),
            columns=_COMPANY,
            recognised_by=(
                "id record_name domain",
                "id record_name industry",
                "id record_name owner_name",
                "id record_name createdate country",
            ),
            file_names=(r"compan(y|ies)",),
            **_KEPT,
            **_JSON,
        ),
        Table(
            name="owner",
            feeds=("managers",),
            columns={
                "id": col("key", "owner_id", "id"),
                "email": col("email"),
                "first_name": col("text", "firstName"),
                "last_name": col("text", "lastName"),
                "user_id": col("reference", "userId", "active_user_id", "user_id"),
                "teams": col("text", "teams"),
                "archived": col("boolean"),
                "is_active": col("boolean"),
                "type": col("text"),
                "updated_at": col("instant", "updatedAt"),
                "created_at": col("instant", "createdAt"),
                "fivetran_synced": col("instant", "_fivetran_synced"),
            },
            recognised_by=(
                "id email first_name last_name user_id",
                "id email archived created_at",
                "id email first_name last_name type",
            ),
            key="id",
            updated_at="updated_at",
            file_names=(r"owner",),
            **_JSON,
        ),
        Table(
            name="line_item",
            feeds=("deal_items",),
            columns={
                "id": col("key", *_ID),
                "deal_id": col("reference"),
                "record_name": col("text", "properties.name", "property_name"),
                "product_id": _property("reference", "hs_product_id"),
                "quantity": _property("number", "quantity"),
                "price": _property("price", "price"),
                "amount": _property("price", "amount"),
                "discount": _property("number", "discount"),
                "unit_cost": _property("price", "hs_cost_of_goods_sold"),
                **_MARKS,
                **_linked("deals"),
            },
            recognised_by=("id quantity price",),
            file_names=(r"line_?item",),
            **_KEPT,
            **_JSON,
        ),
        Table(
            name="call",
            columns=_engagement(
                direction=_property("text", "hs_call_direction", "Call direction"),
                disposition=_property("text", "hs_call_disposition", "Call outcome"),
                duration=_property("number", "hs_call_duration", "Call duration"),
                status=_property("text", "hs_call_status", "Call status"),
            ),
            recognised_by=("id hs_timestamp direction", "id hs_timestamp duration"),
            file_names=(r"call",),
            **_ACTIVITY,
        ),
        Table(
            name="meeting",
            columns=_engagement(
                outcome=_property("text", "hs_meeting_outcome", "meeting_outcome"),
                start_time=_property("instant", "hs_meeting_start_time", "start_time"),
                end_time=_property("instant", "hs_meeting_end_time", "end_time"),
            ),
            recognised_by=("id start_time end_time", "id hs_timestamp outcome"),
            file_names=(r"meeting",),
            **_ACTIVITY,
        ),
        Table(
            name="email",
            columns=_engagement(
                direction=_property("text", "hs_email_direction"),
                status=_property("text", "hs_email_status"),
                subject=_property("text", "hs_email_subject"),
            ),
            recognised_by=("id hs_timestamp direction", "id hs_timestamp subject"),
            file_names=(r"email",),
            **_ACTIVITY,
        ),
        Table(
            name="task",
            columns=_engagement(
                status=_property("text", "hs_task_status"),
                task_type=_property("text", "hs_task_type"),
            ),
            recognised_by=("id hs_timestamp task_type", "id hs_timestamp status"),
            file_names=(r"task",),
            **_ACTIVITY,
        ),
        Table(
            name="engagement",
            columns=_engagement(body=_property("text", "hs_note_body")),
            recognised_by=("id hs_timestamp type",),
            file_names=(r"engagement|communication|note",),
            **_ACTIVITY,
        ),
        Table(
            name="link",
            columns={
                **{
                    name: col("reference")
                    for name in (
                        "deal_id",
                        "merged_deal_id",
                        "company_id",
                        "contact_id",
                        "engagement_id",
                        "canonical_vid",
                        "vid_to_merge",
                        "owner_id",
                        "team_id",
                    )
                },
                "type_id": col("text"),
                "category": col("text"),
                "engagement_type": col("text"),
                "is_team_primary": col("boolean"),
            },
            recognised_by=(
                "deal_id merged_deal_id",
                "deal_id company_id",
                "deal_id contact_id",
                "deal_id engagement_id",
                "contact_id engagement_id",
                "company_id engagement_id",
                "canonical_vid vid_to_merge",
                "owner_id team_id",
            ),
        ),
        Table(
            name="label",
            columns={
                "id": col("key", "id", "pipeline_id"),
                "record_name": col("text", "name", "label"),
                "active": col("boolean"),
                "display_order": col("text"),
                "requires_billing_write": col("text"),
                "stages": col("text"),
                "fivetran_synced": col("text", "_fivetran_synced"),
            },
            recognised_by=(
                "id record_name active display_order",
                "id record_name requires_billing_write",
                "id record_name fivetran_synced",
            ),
            file_names=(r"team|role|pipeline",),
        ),
        Table(
            name="aside",
            columns={
                name: col("text")
                for name in (
                    "ticket_id",
                    "ticket_state",
                    "contact_list_id",
                    "list_version",
                    "guid",
                    "form_id",
                    "form_type",
                    "app_id",
                    "num_included",
                    "hubspot_object",
                    "property_id",
                    "field_type",
                    "object_type_id",
                    "company_id",
                    "contact_id",
                    "deal_id",
                    "engagement_id",
                    "user_id",
                    "team_id",
                    "role_id",
                    "primary_team_id",
                    "is_secondary_user",
                    "timestamp",
                    "timestamp_instant",
                    "name",
                    "value",
                    "label",
                    "id",
                    "type",
                    "portal_id",
                    "pipeline_id",
                    "stage_id",
                    "display_order",
                    "active",
                    "property_hs_pipeline_stage",
                    "property_hs_pipeline",
                )
            },
            recognised_by=(
                "ticket_id company_id",
                "ticket_id contact_id",
                "ticket_id deal_id",
                "ticket_id engagement_id",
                "ticket_id name value",
                "stage_id ticket_state",
                "id property_hs_pipeline_stage",
                "pipeline_id object_type_id label",
                "contact_id contact_list_id",
                "id list_version",
                "guid form_type",
                "form_id contact_id",
                "id app_id num_included",
                "hubspot_object field_type",
                "property_id hubspot_object value",
                "company_id timestamp name value",
                "contact_id timestamp name value",
                "user_id team_id is_secondary_user",
                "id primary_team_id role_id",
                "id type portal_id",
            ),
        ),
    ),
)
"""Wins are dated by ``closedate``: set when a deal is closed, and people may edit it."""
