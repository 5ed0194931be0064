"""Stripe and Recurly: subscriptions with prices, trials and ends; money paid and given back.

Every expected figure is worked out by hand beside it.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from tests.conftest import EXAMPLES, Company, needs

STRIPE = {
    "subscription.csv": """\
id,_fivetran_synced,customer_id,status,created,start_date,current_period_start,current_period_end,cancel_at,cancel_at_period_end,canceled_at,ended_at,trial_start,trial_end
sub_1,2026-03-20 00:00:00,cus_1,active,2026-01-01 09:00:00,2026-01-01 09:00:00,2026-03-01 00:00:00,2026-04-01 00:00:00,,FALSE,,,2026-01-01 09:00:00,2026-01-15 09:00:00
sub_2,2026-03-20 00:00:00,cus_2,canceled,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-02-05 00:00:00,2026-03-05 00:00:00,,FALSE,2026-02-20 09:00:00,2026-03-05 00:00:00,,
sub_3,2026-03-20 00:00:00,cus_2,incomplete_expired,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-02-05 00:00:00,2026-03-05 00:00:00,,FALSE,,,,
sub_4,2026-03-20 00:00:00,cus_2,canceled,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-01-05 00:00:00,2026-01-19 00:00:00,,FALSE,2026-01-09 09:00:00,2026-01-09 09:00:00,2026-01-05 09:00:00,2026-01-19 09:00:00
sub_5,2026-03-20 00:00:00,cus_2,active,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-03-05 00:00:00,2026-04-05 00:00:00,,FALSE,,,,
""",  # noqa: E501
    "subscription_history.csv": """\
id,_fivetran_synced,_fivetran_active,customer_id,status,created,start_date,current_period_start,current_period_end,cancel_at,cancel_at_period_end,canceled_at,ended_at,trial_start,trial_end
sub_2,2026-02-01 00:00:00,false,cus_2,active,2026-01-05 09:00:00,2026-01-05 09:00:00,2026-02-05 00:00:00,2026-03-05 00:00:00,,FALSE,,,,
""",  # noqa: E501
    "subscription_item.csv": """\
_fivetran_synced,created,id,plan_id,quantity,subscription_id
2026-03-20 00:00:00,2026-01-01 09:00:00,si_1,month,2,sub_1
2026-03-20 00:00:00,2026-01-01 09:00:00,si_2,seat,1,sub_1
2026-03-20 00:00:00,2026-01-05 09:00:00,si_3,year,1,sub_2
2026-03-20 00:00:00,2026-01-05 09:00:00,si_4,month,1,sub_4
2026-03-20 00:00:00,2026-01-05 09:00:00,si_5,shilling,1,sub_5
""",
    "plan.csv": """\
id,_fivetran_synced,active,amount,currency,interval,interval_count,product_id,usage_type
month,2026-01-01 00:00:00,TRUE,150000,usd,month,1,prod_1,licensed
seat,2026-01-01 00:00:00,TRUE,2999,usd,month,1,prod_2,licensed
year,2026-01-01 00:00:00,TRUE,500,jpy,year,1,prod_1,licensed
shilling,2026-01-01 00:00:00,TRUE,500000,ugx,month,1,prod_1,licensed
""",
    "customer.csv": """\
id,_fivetran_synced,created,delinquent,invoice_prefix,is_deleted,email,name
cus_1,2026-03-01 00:00:00,2026-01-01 00:00:00,FALSE,A,FALSE,a@example.com,Acme
cus_2,2026-03-01 00:00:00,2026-01-01 00:00:00,FALSE,B,FALSE,b@example.com,Beta
""",
    "charge.csv": """\
id,_fivetran_synced,amount,amount_refunded,captured,created,currency,customer_id,invoice_id,paid,status
ch_1,2026-03-01 00:00:00,302999,0,TRUE,2026-02-15 12:00:00,usd,cus_1,in_1,TRUE,succeeded
ch_2,2026-03-01 00:00:00,500,0,TRUE,2026-02-16 12:00:00,jpy,cus_2,,TRUE,succeeded
ch_3,2026-03-01 00:00:00,302999,0,FALSE,2026-02-17 12:00:00,usd,cus_1,,FALSE,failed
""",
    "invoice.csv": """\
id,_fivetran_synced,amount_due,amount_paid,billing_reason,customer_id,status,subscription_id
in_1,2026-03-01 00:00:00,302999,302999,subscription_cycle,cus_1,paid,sub_1
""",
    "refund.csv": """\
id,_fivetran_synced,amount,charge_id,created,currency,reason,receipt_number,status
re_1,2026-03-05 00:00:00,2999,ch_1,2026-03-04 12:00:00,usd,duplicate,1,succeeded
re_2,2026-03-05 00:00:00,9999,ch_1,2026-03-04 12:00:00,usd,duplicate,1,failed
""",
}
RECURLY = {
    "subscriptions.csv": """\
_fivetran_synced,id,created_at,updated_at,activated_at,canceled_at,expires_at,account_id,plan_id,state,current_period_started_at,current_period_ends_at,trial_started_at,trial_ends_at,currency,unit_amount,quantity,add_ons_total,subtotal
2026-03-20 00:00:00,r1,2026-01-10 08:00:00,2026-01-10 08:00:00,2026-01-10 08:00:00,,,acc,p1,active,2026-01-10 08:00:00,2026-02-10 08:00:00,,,USD,99.0,1,0.0,99.0
2026-03-20 00:00:00,r1,2026-01-10 08:00:00,2026-02-10 08:00:00,2026-01-10 08:00:00,,,acc,p1,active,2026-02-10 08:00:00,2026-03-10 08:00:00,,,USD,99.0,1,0.0,99.0
2026-03-20 00:00:00,r1,2026-01-10 08:00:00,2026-03-10 08:00:00,2026-01-10 08:00:00,2026-03-12 08:00:00,2026-04-10 08:00:00,acc,p1,canceled,2026-03-10 08:00:00,2026-04-10 08:00:00,,,USD,99.0,2,5.0,203.0
2026-03-20 00:00:00,r2,2026-01-01 08:00:00,2026-01-01 08:00:00,2026-01-01 08:00:00,,,acc,gone,active,2026-01-01 08:00:00,2027-01-01 08:00:00,2026-01-01 08:00:00,2026-01-08 08:00:00,USD,1200.0,1,0.0,1200.0
2026-03-20 00:00:00,r3,2026-01-10 08:00:00,2026-01-10 08:00:00,,,,acc,p1,future,2026-05-01 08:00:00,2026-06-01 08:00:00,,,USD,99.0,1,0.0,99.0
2026-03-20 00:00:00,r4,2026-01-10 08:00:00,2026-01-10 08:00:00,,,,acc,p1,future,2026-02-20 08:00:00,2026-03-20 08:00:00,,,USD,99.0,1,0.0,99.0
2026-03-20 00:00:00,r4,2026-01-10 08:00:00,2026-02-25 08:00:00,2026-02-25 08:00:00,,,acc,p1,active,2026-02-25 08:00:00,2026-03-25 08:00:00,,,USD,99.0,1,0.0,99.0
""",  # noqa: E501
    "plans.csv": """\
_fivetran_synced,id,updated_at,code,state,name,interval_unit,interval_length
2026-03-20 00:00:00,p1,2026-01-01 00:00:00,base,active,Base,months,1
""",
    "accounts.csv": """\
_fivetran_synced,id,created_at,updated_at,deleted_at,code,bill_to,state,email,company
2026-03-20 00:00:00,acc,2026-01-01 00:00:00,2026-01-02 00:00:00,,c,self,active,c@example.com,Gamma
""",
    "transactions.csv": """\
_fivetran_synced,id,created_at,voided_at,collected_at,account_id,invoice_id,type,currency,amount,status,success
2026-03-20 00:00:00,t1,2026-02-10 08:00:00,,2026-02-10 08:00:00,acc,i1,purchase,USD,99.0,success,true
2026-03-20 00:00:00,t2,2026-02-11 08:00:00,,2026-02-11 08:00:00,acc,i1,refund,USD,9.5,success,true
2026-03-20 00:00:00,t0,2026-02-09 08:00:00,,2026-02-09 08:00:00,acc,i1,authorization,USD,99.0,success,true
2026-03-20 00:00:00,t3,2026-02-11 08:00:00,,,acc,,verify,USD,0.0,success,true
2026-03-20 00:00:00,t4,2026-02-12 08:00:00,2026-02-12 09:00:00,2026-02-12 08:00:00,acc,,purchase,USD,100.0,void,true
2026-03-20 00:00:00,t5,2026-02-13 08:00:00,,,acc,,purchase,USD,99.0,declined,false
""",  # noqa: E501
}  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    company = Company(tmp_path_factory.mktemp("billing") / "ws")
    company.settings |= {"reporting_currency": "USD", "timezone": "UTC", "as_of": "2026-03-31"}
    company.settings["sources"] |= {
        "stripe": {"system": "stripe"},
        "recurly": {"system": "recurly"},
    }
    company.entity("fx_rates", "rate_on currency rate", source="rates")
    rates = "".join(
        f"2026-{m:02}-{d:02},{money}\n"
        for m in (1, 2, 3)
        for d in range(1, 29, 5)
        for money in ("JPY,0.01", "UGX,0.0003")
    )
    company.file("fx_rates.csv", "rate_on,currency,rate\n" + rates, source="rates")
    for source, files in (("stripe", STRIPE), ("recurly", RECURLY)):
        for name, content in files.items():
            company.file(name, content, source=source)
    return company.run()


def spells(published, source):
    """Return the subscriptions of a source as staged, in order."""
    file = published.session.workspace.warehouse_file
    with duckdb.connect(str(file), read_only=True) as warehouse:
        return warehouse.execute(
            "select split_part(subscription_id, ':', 2), started_on, ended_on, amount, "
            "billing_months, currency from intermediate.int_subscriptions__united "
            "where source_name = ? and not _is_row_rejected order by 1, 2",
            [source],
        ).fetchall()


def test_a_stripe_subscription_costs_the_sum_of_its_items_and_its_trial_nothing(published):
    # sub_1: 2 x 1500.00 + 1 x 29.99 a month; sub_2: 500 whole yen a year, over at the period's end;
    # sub_4 was ended in its trial and never paid; sub_5: 5000 shillings, which have no cents and
    # are written with two digits all the same
    assert spells(published, "stripe") == [
        ("sub_1", date(2026, 1, 1), date(2026, 1, 15), Decimal("0.0000"), 1, "USD"),
        ("sub_1", date(2026, 1, 15), None, Decimal("3029.9900"), 1, "USD"),
        ("sub_2", date(2026, 1, 5), date(2026, 3, 5), Decimal("500.0000"), 12, "JPY"),
        ("sub_4", date(2026, 1, 5), date(2026, 1, 9), Decimal("0.0000"), 1, "USD"),
        ("sub_5", date(2026, 1, 5), None, Decimal("5000.0000"), 1, "UGX"),
    ]


def test_stripe_money_is_whole_units_and_only_what_was_paid_or_given_back(published):
    # 3029.99 and 500 yen paid; 29.99 given back; a failed charge and a failed refund move nothing
    rows = published.rows(
        "select payment_id, kind, amount_native, currency from marts.fct_payments "
        "where payment_id like 'stripe:%' order by 1"
    )
    assert rows == [
        ("stripe:ch_1", "payment", Decimal("3029.99"), "USD"),
        ("stripe:ch_2", "payment", Decimal("500"), "JPY"),
        ("stripe:re_1", "refund", Decimal("-29.99"), "USD"),
    ]
    customer = "select customer_id from marts.fct_payments where payment_id = 'stripe:re_1'"
    assert published.one(customer) == "stripe:cus_1"


def test_a_recurly_price_holds_until_a_version_changes_it_and_a_wish_to_cancel_ends_nothing(
    published,
):
    # r1: 99.00, then 2 x 99 + 5 from March 10th, paid to April 10th; r2: a plan nobody delivered,
    # whose period of a year the row itself tells, after a week of trial; r3 was ordered in January
    # and begins in May; r4 was to begin on 20 February and began on the 25th
    assert spells(published, "recurly") == [
        ("r1", date(2026, 1, 10), date(2026, 4, 10), Decimal("99.0000"), 1, "USD"),
        ("r1", date(2026, 3, 10), date(2026, 4, 10), Decimal("203.0000"), 1, "USD"),
        ("r2", date(2026, 1, 1), date(2026, 1, 8), Decimal("0.0000"), 12, "USD"),
        ("r2", date(2026, 1, 8), None, Decimal("1200.0000"), 12, "USD"),
        ("r3", date(2026, 5, 1), None, Decimal("99.0000"), 1, "USD"),
        ("r4", date(2026, 2, 25), None, Decimal("99.0000"), 1, "USD"),
    ]


def test_recurly_money_is_what_was_collected_and_given_back(published):
    # t0 only held the money that t1 collected
    rows = published.rows(
        "select payment_id, amount_native from marts.fct_payments "
        "where payment_id like 'recurly:%' order by 1"
    )
    assert rows == [("recurly:t1", Decimal("99")), ("recurly:t2", Decimal("-9.5"))]


def test_every_row_of_a_subscription_file_has_one_place(published):
    rows = published.rows(
        "select file_name, rows_seen, rows_loaded, rows_left_out, rows_quarantined "
        "from ops.reconciliation where entity = 'subscriptions' order by 1"
    )
    assert rows == [
        ("raw/recurly/subscriptions.csv", 7, 7, 2, 0),
        ("raw/stripe/subscription.csv", 5, 5, 2, 0),
        ("raw/stripe/subscription_history.csv", 1, 1, 1, 0),
    ]


def test_subscriptions_of_the_api_bring_their_items_and_prices_with_them(company):
    """sub_A: 2 x 15.00 + 1 x 29.99 dollars a month = 59.99; sub_B: 1200 yen a year, on an item that
    tells a plan. A later answer, with three seats and no second item, is the one that counts:
    3 x 15.00 = 45.00."""

    def item(number: str, quantity: int, price: dict) -> dict:
        return {"id": number, "object": "subscription_item", "quantity": quantity, **price}

    def priced(number: str, cents: int) -> dict:
        every = {"interval": "month", "interval_count": 1}
        price = {"id": number, "currency": "usd", "unit_amount": cents, "recurring": every}
        return {"price": price | {"product": "prod_1"}, "plan": {"id": number, "amount": cents}}

    def subscription(number: str, *items: dict) -> dict:
        return {
            "id": number,
            "object": "subscription",
            "customer": "cus_1",
            "status": "active",
            "created": 1767258000,
            "start_date": 1767258000,  # 2026-01-01 09:00 in UTC
            "cancel_at_period_end": False,
            "trial_start": None,
            "trial_end": None,
            "plan": items[0]["plan"] | {"currency": "usd"},
            "quantity": 1,
            "items": {"object": "list", "data": list(items), "has_more": False},
        }

    yearly = {"id": "y", "currency": "jpy", "amount": 1200, "interval": "year", "interval_count": 1}
    both = item("si_1", 2, priced("m", 1500)), item("si_2", 1, priced("seat", 2999))
    company.settings |= {"reporting_currency": "USD", "timezone": "UTC"}
    company.settings["sources"]["stripe"] = {
        "system": "stripe",
        "observed_at": r"(?P<date>\d{4}-\d\d-\d\d)",
    }
    company.entity("fx_rates", "rate_on currency rate", source="rates")
    company.file("fx_rates.csv", "rate_on,currency,rate\n2026-01-01,JPY,0.01\n", source="rates")
    listed = [
        subscription("sub_A", *both),
        subscription("sub_B", item("si_3", 1, {"plan": yearly})),
    ]
    page = {"object": "list", "has_more": False, "data": listed}
    company.file("2026-02-01/subscriptions.json", json.dumps(page), source="stripe")
    begun = date(2026, 1, 1)
    assert spells(company.run(), "stripe") == [
        ("sub_A", begun, None, Decimal("59.9900"), 1, "USD"),
        ("sub_B", begun, None, Decimal("1200.0000"), 12, "JPY"),
    ]
    page["data"] = [subscription("sub_A", item("si_1", 3, priced("m", 1500)))]
    company.file("2026-03-01/subscriptions.json", json.dumps(page), source="stripe")
    assert spells(company.run(), "stripe")[0] == (
        "sub_A",
        begun,
        None,
        Decimal("45.0000"),
        1,
        "USD",
    )


def test_a_subscription_begins_on_the_companys_day_and_not_on_that_of_utc(company):
    """22:30 in UTC on the last of January is 01:30 on the first of February in Moscow.

    A connector writes it without an offset, an API with a Z or in seconds. A day is the day that is
    written: alone, as a midnight of any clock, or in an offset of its own (23:30 in Berlin).
    """
    for name in ("subscription.csv", "subscription_item.csv", "plan.csv", "customer.csv"):
        text = STRIPE[name].replace("2026-01-05 09:00:00", "2026-01-31 22:30:00")
        company.file(name, text, source="stripe")
    company.settings["sources"]["stripe"] = {"system": "stripe", "currency": "RUB"}
    company.entity("subscriptions", "subscription_id customer_id started_on amount", source="books")
    february = ("2026-01-31T22:30:00Z", "1769898600", "2026-02-01T00:00:00+03:00", "2026-02-01")
    january = ("2026-01-31T23:30:00+01:00", "2026-01-31 23:30:00", "2026-01-31T00:00:00Z")
    rows = "".join(f"{n},c,{day},1\n" for n, day in enumerate((*february, *january), start=1))
    company.file(
        "subscriptions.csv",
        "subscription_id,customer_id,started_on,amount\n" + rows,
        source="books",
    )
    company.entity("fx_rates", "rate_on currency rate", source="rates")
    rates = "".join(f"2026-{m:02}-{d:02},USD,90\n" for m in (1, 2, 3) for d in range(1, 29, 5))
    rates += rates.replace("USD,90", "JPY,0.6") + rates.replace("USD,90", "UGX,0.02")
    company.file("fx_rates.csv", "rate_on,currency,rate\n" + rates, source="rates")
    begun = company.run().rows(
        "select split_part(subscription_id, ':', 2), cast(started_on as varchar) "
        "from marts.fct_subscriptions where subscription_id in ('stripe:sub_2', 'stripe:sub_5') "
        "or subscription_id like 'books:%' order by 1"
    )
    assert begun == [
        *((str(n), "2026-02-01") for n in (1, 2, 3, 4)),
        *((str(n), "2026-01-31") for n in (5, 6, 7)),
        ("sub_2", "2026-02-01"),
        ("sub_5", "2026-02-01"),
    ]


@needs(EXAMPLES / "seeds_billing")
def test_the_example_billing_tables_load(company):
    company.settings |= {"reporting_currency": "USD", "timezone": "UTC", "as_of": "2025-12-31"}
    for path in (EXAMPLES / "seeds_billing").glob("*.csv"):
        source = path.name.split("__")[0]
        company.settings["sources"][source] = {"system": source}
        company.file(path.name, path.read_bytes(), source=source)
    published = company.run()
    # the two subscriptions of the example have a plan of 1500.00 a month, once and twice; both end
    # with the trial. Of Recurly's versions one repeats its price
    assert [row[3] for row in spells(published, "stripe")] == [
        Decimal(0), Decimal(1500), Decimal(0), Decimal(3000)
    ]  # fmt: skip
    paid = [row[3] for row in spells(published, "recurly") if row[3]]
    assert sorted(paid) == [Decimal(99), Decimal(99), Decimal(99), Decimal(5596)]
    # no charge succeeded; four refunds did: 6750.00 + 136.50 + 15412.21 + 1615.50; 5.00 of Recurly
    total = "select sum(amount_native) from marts.fct_payments where payment_id like ? || '%'"
    assert published.one(total, ["recurly:"]) == Decimal("5.00")
    refunds = (
        "select sum(amount_native) from marts.fct_payments where payment_id like 'stripe:re_%'"
    )
    assert published.one(refunds) == -Decimal("23914.21")
