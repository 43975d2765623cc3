"""Online Retail: a year of a wholesaler's invoices, with cancellations, compared with plain sums over its file."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
import resource
import shutil
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest

from pipelines.compute.reading import query_rows
from pipelines.compute.run import Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import init_home
from tests.real_data import data_set
from tests.reference_customers import Sales, rfm
from tests.support import LANDED_AT, assert_same_rows, table

pytestmark = pytest.mark.real

FILE = "online_retail.csv.gz"
# The tests read only the snapshots of month ends and of the last day.
SETTINGS = "timezone: Europe/London\ncurrency: GBP\nsnapshots: {daily_for_days: 1}\n"


def make_home(folder):
    home, _ = init_home(folder)
    home.settings_file.write_text(SETTINGS, encoding="utf-8")
    (home.landing / "online_retail" / "invoice_lines").mkdir(parents=True)
    return home


def found(home, sql):
    return query_rows(home, sql, limit=1_000_000).rows


# A small file, made by hand -------------------------------------------------------------------------------

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
SALES = """\
100,10001,RED MUG,6,2011-01-30 09:00:00,2.50,501,France
100,10002a,BLUE BOWL,4,2011-01-30 09:01:00,1.25,501,France
100,10002A,BLUE BOWL ,4,2011-01-30 09:00:00,1.25,501,France
100,10001,RED MUG,6,2011-01-30 09:00:00,2.50,501,France
100,10003,GREEN VASE,1,2011-01-30 09:00:00,0,501,France
101,10001,Mug,2,2011-01-30 10:00:00,4.95,,France
101,POST,POSTAGE,1,2011-01-30 10:00:00,18.00,,France
102,10001,RED MUG,10,2011-01-31 23:30:00,2.50,501,France
"""
CANCELLATIONS = """\
C099,10001,RED MUG,-6,2011-01-29 09:00:00,2.50,501,France
C103,10001,RED MUG,-12,2011-02-01 09:00:00,2.50,501,France
C104,10001,RED MUG,-3,2011-02-01 10:00:00,2.75,501,France
C105,10001,Mug,-1,2011-02-01 10:00:00,4.95,,France
C106,D,Discount,-1,2011-02-01 11:00:00,27.50,501,France
C107,10002A,BLUE BOWL,-9,2011-02-01 12:00:00,1.25,501,France
"""
CORRECTIONS = """\
108,10001,damaged,-5,2011-01-31 09:00:00,0,,France
109,10001,,20,2011-01-31 09:00:00,0,,France
110,10003,GREEN VASE,1,2011-01-31 09:00:00,0,502,France
"""
BOOKINGS = """\
A111,B,Adjust bad debt,1,2011-01-31 09:00:00,-110.60,,France
C112,AMAZONFEE,AMAZON FEE,-1,2011-01-31 09:00:00,55.50,,France
113,BANK CHARGES,Bank Charges,1,2011-01-31 09:00:00,15.00,503,France
"""


def write(home, text, name="invoices.csv"):
    path = home.landing / "online_retail" / "invoice_lines" / name
    path.write_text(f"{HEADER}\n{text}", encoding="utf-8")
    os.utime(path, (LANDED_AT.timestamp(), LANDED_AT.timestamp()))


def counts(home):
    return found(home, "SELECT records, accepted, duplicates, quarantined, unmapped FROM core.batches ORDER BY file")


LINES = "SELECT order_id, line_no, sku, quantity, revenue, refunded FROM core.order_lines ORDER BY ALL"
REFUNDS = "SELECT refund_id, order_id, line_no, amount, dt FROM core.refunds ORDER BY ALL"
NOT_FOUND = (
    "SELECT order_id, line_no, amount FROM raw.refunds "
    "SEMI JOIN core.order_mismatches USING (order_id, line_no) ORDER BY ALL"
)


@pytest.fixture
def small(tmp_path):
    home = make_home(tmp_path / "shop")
    write(home, SALES + CANCELLATIONS + CORRECTIONS + BOOKINGS)
    return home


def test_each_line_becomes_what_the_policy_says(small):
    run_home(small)
    assert counts(small) == [(20, 20, 0, 0, 6)]  # 6 records are corrections or bookings, which map to no row
    orders = found(small, "SELECT order_id, user_id, status, ordered_at, currency FROM core.orders ORDER BY 1")
    assert orders == [
        ("100", "501", "paid", dt.datetime(2011, 1, 30, 9), "GBP"),
        ("101", None, "paid", dt.datetime(2011, 1, 30, 10), "GBP"),
        ("102", "501", "paid", dt.datetime(2011, 1, 31, 23, 30), "GBP"),
    ]
    assert found(small, LINES) == [
        ("100", 1, "10001", 6, Decimal(15), Decimal(0)),
        ("100", 2, "10002A", 4, Decimal(5), Decimal(5)),
        ("100", 3, "10002A", 4, Decimal(5), Decimal(5)),
        ("100", 4, "10001", 6, Decimal(15), Decimal(5)),  # a line with the values of line 1 is no duplicate of it
        ("100", 5, "10003", 1, Decimal(0), Decimal(0)),
        ("101", 1, "10001", 2, Decimal("9.90"), Decimal(0)),
        ("101", 2, "POST", 1, Decimal(18), Decimal(0)),
        ("102", 1, "10001", 10, Decimal(25), Decimal(25)),
    ]


def test_a_cancellation_takes_back_the_last_purchase_on_its_day(small):
    run_home(small)
    day = dt.date(2011, 2, 1)
    assert found(small, REFUNDS) == [
        ("C103-1-100-4", "100", 4, Decimal(5), day),
        ("C103-1-102-1", "102", 1, Decimal(25), day),
        ("C107-1-100-2", "100", 2, Decimal(5), day),
        ("C107-1-100-3", "100", 3, Decimal(5), day),
    ]


def test_what_a_cancellation_does_not_find_is_a_lineless_refund(small):
    run_home(small)
    assert found(small, NOT_FOUND) == [
        ("C099", 1, Decimal(15)),  # the cancellation is earlier than any purchase
        ("C104", 1, Decimal("8.25")),  # the product was bought at another price
        ("C105", 1, Decimal("4.95")),  # the cancellation has no customer
        ("C106", 1, Decimal("27.50")),  # the cancelled item is a discount, not a product
        ("C107", 1, Decimal("1.25")),  # one more unit is cancelled than was bought
    ]


def test_units_that_were_cancelled_are_not_cancelled_again(tmp_path):
    """Bought 5, returned 3, bought 4, returned 5.

    The last 5 are matched with the 4 of the last sale and 1 of the first sale, so 1 unit of the first is left.
    """
    home = make_home(tmp_path / "shop")
    lines = [("200", 5), ("C201", -3), ("202", 4), ("C203", -5), ("C204", -2)]
    text = "".join(f"{no},10001,RED MUG,{n},2011-01-30 1{i}:00:00,2,501,UK\n" for i, (no, n) in enumerate(lines))
    write(home, text)
    run_home(home)
    assert [row[1:4] for row in found(home, REFUNDS)] == [
        ("200", 1, Decimal(6)),
        ("200", 1, Decimal(2)),
        ("202", 1, Decimal(8)),
        ("200", 1, Decimal(2)),
    ]
    assert found(home, NOT_FOUND) == [("C204", 1, Decimal(2))]


@pytest.mark.real
def test_how_deliveries_are_cut_and_repeated_changes_nothing(small, tmp_path):
    run_home(small)
    home = make_home(tmp_path / "other")
    home.settings_file.write_text(f"{SETTINGS}start_date: 2011-01-01\n", encoding="utf-8")
    lines = (SALES + CANCELLATIONS + CORRECTIONS + BOOKINGS).splitlines(keepends=True)
    write(home, "".join(lines[9:]), "late.csv")
    run_home(home)
    write(home, "".join(lines[:9]), "early.csv")
    write(home, "".join(lines[5:12]), "again.csv")
    run_home(home)
    assert found(home, LINES) == found(small, LINES)
    assert found(home, REFUNDS) == found(small, REFUNDS)
    assert found(home, NOT_FOUND) == found(small, NOT_FOUND)
    read, accepted, duplicates, quarantined, unmapped = map(sum, zip(*counts(home), strict=True))
    assert (read, accepted, duplicates, quarantined, unmapped) == (27, 20, 7, 0, 6)


def test_an_invoice_cut_in_two_files_is_one_whole_order(tmp_path):
    home = make_home(tmp_path / "shop")
    lines = SALES.splitlines(keepends=True)
    write(home, "".join(lines[:2]), "one.csv")
    write(home, "".join([*lines[2:], lines[3]]), "two.csv")
    run_home(home)
    # Both files have the same invoice with several equal lines. The result has as many of them as the second file, not
    # as both files together.
    rows = found(home, "SELECT sku, quantity FROM core.order_lines WHERE order_id = '100' ORDER BY ALL")
    assert rows == [("10001", 6), ("10001", 6), ("10002A", 4), ("10002A", 4), ("10003", 1)]
    numbers = found(home, "SELECT list(line_no ORDER BY line_no) FROM core.order_lines WHERE order_id = '100'")
    assert numbers == [([1, 2, 3, 4, 5],)]
    assert sum(batch[2] for batch in counts(home)) == 1


def test_values_that_are_none_are_kept_aside_with_their_reasons(small):
    broken = {
        "114,10001,RED MUG,six,2011-01-31 09:00:00,0,,UK": "bad quantity",
        "115,10001,RED MUG,1,2011-01-31 09:00:00,free,504,UK": "bad unit_price",
        "116,,RED MUG,1,2011-01-31 09:00:00,2.50,504,UK": "missing sku",
        ",10001,RED MUG,1,2011-01-31 09:00:00,2.50,504,UK": "missing order_id",
        "117,10001,RED MUG,1,31/01/2011 09:00,2.50,504,UK": "bad ordered_at",
        "C118,10001,RED MUG,1.5,2011-01-31 09:00:00,2.50,501,UK": "bad amount",
        "C119,10001,RED MUG,-1,last week,2.50,501,UK": "bad refunded_at",
        "C120,10001,RED MUG,-999999999,2011-01-31 09:00:00,99999999999999,501,UK": "bad amount",
    }
    write(small, "\n".join(broken) + "\n", "more.csv")
    run_home(small)
    assert counts(small) == [(20, 20, 0, 0, 6), (8, 0, 0, 8, 0)]
    refused = found(small, "SELECT record_no, reasons FROM core.quarantine ORDER BY record_no")
    for (_, reasons), expected in zip(refused, broken.values(), strict=True):
        assert expected in reasons
    assert found(small, "SELECT sum(refunded) FROM core.order_lines") == [(Decimal(40),)]


def test_products_have_the_name_and_price_of_most_sales(small):
    run_home(small)
    rows = found(small, "SELECT sku, name, category, list_price, unit_cost FROM core.products ORDER BY 1")
    assert rows == [
        ("10001", "RED MUG", "goods", Decimal("2.50"), None),
        ("10002A", "BLUE BOWL", "goods", Decimal("1.25"), None),
        ("POST", "POSTAGE", "postage", Decimal(18), None),
    ]


# The real file --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A computed home with the year."""
    home = make_home(tmp_path_factory.mktemp("online_retail") / "shop")
    shutil.copyfile(data_set("online_retail") / FILE, home.landing / "online_retail" / "invoice_lines" / FILE)
    os.utime(home.landing / "online_retail" / "invoice_lines" / FILE, (LANDED_AT.timestamp(), LANDED_AT.timestamp()))
    # The products' tables are not computed here. They take two thirds of the time, and test_maven compares them with
    # direct sums.
    tables = frozenset(open_workspace(home).project.select(["core", "attribution", "customers"]))
    started = time.monotonic()
    summary = run_home(home, Request(tables))
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    print(f"541,909 invoice lines ingested and computed in {seconds:.1f} s, at most {peak:.2f} GB")
    assert not summary.has_errors
    assert set(summary.failed_checks) == {"orders_and_lines_match"}
    return home


@dataclass(frozen=True)
class Entry:
    """A line of the file, as plain Python values."""

    number: int
    invoice: str
    sku: str
    units: int
    at: dt.datetime
    price: Decimal
    customer: str

    @property
    def amount(self):
        return self.units * self.price

    @property
    def month(self):
        return f"{self.at:%Y-%m}"


@cache
def entries():
    """Kind of line (sale, cancellation, correction, booking) → lines of the file; the key "all" has every line."""
    with gzip.open(data_set("online_retail") / FILE, "rt", encoding="utf-8") as file:
        rows = [
            Entry(
                number,
                row["InvoiceNo"],
                row["StockCode"].upper(),
                int(row["Quantity"]),
                dt.datetime.fromisoformat(row["InvoiceDate"]),
                Decimal(row["UnitPrice"]),
                row["CustomerID"],
            )
            for number, row in enumerate(csv.DictReader(file), 1)
        ]
    kinds = defaultdict(list)
    costs = {"AMAZONFEE", "BANK CHARGES", "CRUK", "S"}
    invoices = defaultdict(list)
    for row in rows:
        if row.invoice.startswith("A") or row.sku in costs:
            kinds["booking"].append(row)
        elif row.invoice.startswith("C"):
            kinds["cancellation"].append(row)
        else:
            invoices[row.invoice].append(row)
    for lines in invoices.values():
        is_paid = any(row.units > 0 and row.price > 0 for row in lines)
        for row in lines:
            kinds["sale" if is_paid and row.units > 0 else "correction"].append(row)
    return {"all": rows, **kinds}


def total(rows):
    return sum((row.amount for row in rows), Decimal(0))


@cache
def replayed():
    """Matches each cancellation with the customer's latest purchases of the same product and price.

    Returns a list of (month of the cancellation, line of the sale, amount) for the parts that match a sale, and
    line number of the cancellation → amount that matches no sale.
    """
    bought = defaultdict(list)
    parts, rest = [], {}
    kinds = entries()
    movements = [(row.at, 0, row.number, row) for row in kinds["sale"] if row.customer]
    movements += [(row.at, 1, row.number, row) for row in kinds["cancellation"]]
    for _, is_cancellation, _, row in sorted(movements, key=lambda movement: movement[:3]):
        pile = bought[row.customer, row.sku, row.price]
        if not is_cancellation:
            pile.append([row.units, row])
            continue
        wanted = -row.units
        while wanted and row.customer and pile:
            units = min(wanted, pile[-1][0])
            parts.append((row.month, pile[-1][1], units * row.price))
            wanted -= units
            pile[-1][0] -= units
            if not pile[-1][0]:
                pile.pop()
        if wanted:
            rest[row.number] = wanted * row.price
    return parts, rest


@pytest.mark.real
def test_a_line_is_a_sale_cancellation_correction_or_booking(home):
    kinds = entries()
    sizes = {kind: len(rows) for kind, rows in kinds.items()}
    assert sizes == {"all": 541_909, "sale": 530_487, "cancellation": 9_154, "correction": 2_115, "booking": 153}
    assert counts(home) == [(541_909, 541_909, 0, 0, sizes["correction"] + sizes["booking"])]
    assert found(home, "SELECT count(*) FROM core.quarantine") == [(0,)]
    assert found(home, "SELECT count(*) FROM core.order_lines") == [(sizes["sale"],)]
    assert found(home, "SELECT count(DISTINCT record_no) FROM raw.refunds") == [(sizes["cancellation"],)]
    both = "SELECT count(*) FROM raw.refunds SEMI JOIN raw.order_lines USING (record_no)"
    assert found(home, both) == [(0,)]


@pytest.mark.real
def test_negative_quantities_are_cancellations_or_the_like(home):
    kinds = entries()
    negative = {kind: sum(row.units < 0 for row in rows) for kind, rows in kinds.items()}
    assert negative == {"all": 10_624, "sale": 0, "cancellation": 9_154, "correction": 1_336, "booking": 134}
    assert total(kinds["correction"]) == 0
    assert not any(row.customer for row in kinds["correction"] if row.units < 0)
    assert found(home, "SELECT count(*) FROM core.order_lines WHERE quantity <= 0 OR revenue < 0") == [(0,)]
    # Lines of an invoice whose number starts with C are cancellations, or bookings if they are the shop's own costs.
    assert sum(row.invoice.startswith("C") for row in kinds["all"]) == 9_288
    assert sum(row.invoice.startswith("C") for row in kinds["booking"]) == 134


@pytest.mark.real
def test_sales_with_and_without_customer_equal_the_files_months(home):
    expected = defaultdict(lambda: [0, 0, Decimal(0), set()])
    for row in entries()["sale"]:
        group = expected[row.month, bool(row.customer)]
        group[0] += 1
        group[1] += row.units
        group[2] += row.amount
        group[3].add(row.invoice)
    rows = found(
        home,
        "SELECT strftime(dt, '%Y-%m'), user_id IS NOT NULL, count(*), sum(quantity), sum(revenue), "
        "count(DISTINCT order_id) FROM core.order_lines GROUP BY ALL",
    )
    assert {(month, known): sums for month, known, *sums in rows} == {
        key: [lines, units, revenue, len(invoices)] for key, (lines, units, revenue, invoices) in expected.items()
    }
    orders = found(home, "SELECT strftime(dt, '%Y-%m'), user_id IS NOT NULL, count(*) FROM core.orders GROUP BY ALL")
    assert {(month, known): count for month, known, count in orders} == {k: len(v[3]) for k, v in expected.items()}
    assert len(expected) == 26
    assert sum(group[0] for (_, known), group in expected.items() if not known) == 132_582


@pytest.mark.real
def test_lines_stand_in_the_order_of_the_invoice(home):
    places = Counter()
    expected = {}
    for row in entries()["all"]:
        places[row.invoice] += 1
        expected[row.number] = (row.invoice, places[row.invoice], row.sku, row.units, row.price)
    sold = {row.number for row in entries()["sale"]}
    rows = found(home, "SELECT record_no, order_id, line_no, sku, quantity, unit_price FROM raw.order_lines")
    assert {number: tuple(line) for number, *line in rows} == {n: line for n, line in expected.items() if n in sold}


@pytest.mark.real
def test_cancelled_lines_equal_the_file_by_month(home):
    by_record = {row.number: row for row in entries()["cancellation"]}
    expected = defaultdict(Decimal)
    for row in by_record.values():
        expected[row.month, bool(row.customer)] -= row.amount
    sums = defaultdict(Decimal)
    for number, month, amount in found(
        home, "SELECT record_no, strftime(refunded_dt, '%Y-%m'), amount FROM raw.refunds"
    ):
        sums[month, bool(by_record[number].customer)] += amount
    assert sums == expected
    assert sum(not row.customer for row in by_record.values()) == 265


@pytest.mark.real
def test_refunds_equal_a_replay_in_the_cancellations_month(home):
    parts, rest = replayed()
    expected = Counter((month, sold.number, amount) for month, sold, amount in parts)
    rows = found(
        home,
        "SELECT strftime(refunds.dt, '%Y-%m'), lines.record_no, refunds.amount FROM core.refunds AS refunds "
        "JOIN raw.order_lines AS lines USING (order_id, line_no)",
    )
    assert Counter(map(tuple, rows)) == expected
    assert len(parts) == 7_372
    refunded = defaultdict(Decimal)
    for _, sold, amount in parts:
        refunded[sold.number] += amount
    rows = found(
        home,
        "SELECT raw_lines.record_no, refunded FROM core.order_lines "
        "JOIN raw.order_lines AS raw_lines USING (order_id, line_no) WHERE refunded <> 0",
    )
    assert dict(rows) == refunded
    left = found(
        home,
        "SELECT record_no, amount FROM raw.refunds SEMI JOIN core.order_mismatches USING (order_id, line_no)",
    )
    assert dict(left) == rest
    assert (len(left), sum(rest.values())) == (1_973, Decimal("178904.62"))


@pytest.mark.real
def test_sales_refunds_not_found_and_bookings_sum_to_the_file(home):
    ((revenue, refunded, net),) = found(
        home, "SELECT sum(revenue), sum(refunded), sum(net_revenue) FROM core.order_lines"
    )
    assert found(home, "SELECT sum(amount) FROM core.refunds") == [(refunded,)]
    ((not_found,),) = found(
        home, "SELECT sum(amount) FROM raw.refunds SEMI JOIN core.order_mismatches USING (order_id, line_no)"
    )
    kinds = entries()
    assert net == revenue - refunded
    assert revenue - refunded - not_found + total(kinds["booking"]) == total(kinds["all"])
    assert (revenue, refunded, not_found, total(kinds["booking"]), total(kinds["all"])) == (
        Decimal("10641633.343"),
        Decimal("464239.77"),
        Decimal("178904.62"),
        Decimal("-250741.019"),
        Decimal("9747747.934"),
    )
    assert found(home, "SELECT count(*) FROM core.order_lines WHERE refunded > revenue") == [(0,)]


@pytest.mark.real
def test_customers_have_their_orders_and_days_of_the_file(home):
    expected = defaultdict(lambda: [set(), dt.date.min, Decimal(0)])
    for row in entries()["sale"]:
        customer = expected[row.customer or None]
        customer[0].add(row.invoice)
        customer[1] = max(customer[1], row.at.date())
        customer[2] += row.amount
    rows = found(
        home, "SELECT user_id, count(DISTINCT order_id), max(dt), sum(revenue) FROM core.order_lines GROUP BY ALL"
    )
    assert {user: (orders, day, revenue) for user, orders, day, revenue in rows} == {
        user: (len(invoices), day, revenue) for user, (invoices, day, revenue) in expected.items()
    }
    assert len(expected) == 4_337 + 1
    assert max(day for _, day, _ in expected.values()) == dt.date(2011, 12, 9)


@pytest.mark.real
def test_products_are_the_codes_that_were_sold(home):
    rows = found(home, "SELECT sku, name, list_price, unit_cost FROM core.products")
    assert {sku for sku, *_ in rows} == {row.sku for row in entries()["sale"]}
    assert all(name and price > 0 and cost is None for _, name, price, cost in rows)
    assert len(rows) == 3_808


# Customers ------------------------------------------------------------------------------------------------

LAST_DAY = dt.date(2011, 12, 9)
WINDOW = 365


@cache
def restated():
    """The rows of customers.rfm as of the file's last day, computed from the file in plain Python."""
    lines = [
        {
            "order_id": row.invoice,
            "line_no": row.number,
            "user_id": row.customer or None,
            "revenue": row.amount,
            "dt": row.at.date(),
        }
        for row in entries()["sale"]
    ]
    refunds = [
        {"order_id": sold.invoice, "line_no": sold.number, "amount": amount, "dt": LAST_DAY}
        for _, sold, amount in replayed()[0]
    ]
    return rfm(Sales(lines, refunds), LAST_DAY, WINDOW)


@pytest.mark.real
def test_each_customer_has_the_files_values_scores_and_groups(home):
    rows = [row for row in table(home, "customers.rfm") if row["dt"] == LAST_DAY]
    assert_same_rows(rows, restated(), ["user_id"], "customers.rfm")
    first = LAST_DAY - dt.timedelta(days=WINDOW - 1)
    bought = {row.customer for row in entries()["sale"] if row.customer and row.at.date() >= first}
    assert {row["user_id"] for row in rows} == bought
    assert len(rows) == len(bought) == 4_264


@pytest.mark.real
def test_octants_and_segments_hold_every_customer_and_all_money(home):
    first = LAST_DAY - dt.timedelta(days=WINDOW - 1)
    sold = total(row for row in entries()["sale"] if row.customer and row.at.date() >= first)
    refunded = sum((amount for _, row, amount in replayed()[0] if row.at.date() >= first), Decimal(0))
    for kind in ("octant", "segment"):
        expected = Counter(customer[kind] for customer in restated())
        rows = found(
            home,
            f"SELECT key, customers, net_revenue FROM customers.rfm_daily WHERE kind = '{kind}' AND dt = '{LAST_DAY}'",
        )
        assert {key: customers for key, customers, _ in rows if customers} == expected
        assert sum(money for _, _, money in rows) == sold - refunded
    assert Counter(customer["octant"] for customer in restated()) == {
        "important_value": 678,
        "important_keep": 30,
        "important_develop": 134,
        "important_win_back": 41,
        "general_value": 325,
        "general_keep": 36,
        "general_develop": 1_721,
        "general_win_back": 1_299,
    }
    assert sold - refunded == Decimal("8140635.163")


@pytest.mark.real
def test_equal_values_have_equal_scores_unlike_by_ntile(home):
    several = {}
    for score, value, order in (
        ("r_score", "recency_days", "recency_days DESC"),
        ("f_score", "frequency", "frequency"),
        ("m_score", "monetary", "monetary"),
    ):
        query = f"""
            WITH customers AS (
                SELECT {value} AS value, {score} AS score, ntile(5) OVER (ORDER BY {order}, user_id) AS tile
                FROM customers.rfm WHERE dt = '{LAST_DAY}'
            ), metric_values AS (
                SELECT value, count(DISTINCT score) AS scores, count(DISTINCT tile) AS tiles, count(*) AS customers
                FROM customers GROUP BY value
            )
            SELECT max(scores), count(*) FILTER (WHERE tiles > 1), sum(customers) FILTER (WHERE tiles > 1)
            FROM metric_values
        """
        ((most, values, customers),) = found(home, query)
        assert most == 1
        several[score] = values, customers
    assert several == {"r_score": (4, 103), "f_score": (4, 3_051), "m_score": (0, None)}
