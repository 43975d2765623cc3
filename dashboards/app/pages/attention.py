"""What needs attention: alerts, failed checks, days without data, lower sales, changed slots, unsold new products.

Here: the list, each row with a link to the page that explains it.
Not here: these pages.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from dashboards.app.cards import compared
from dashboards.app.context import Context
from dashboards.app.pages.alerts import lost_messages, open_alerts
from dashboards.app.pages.quality import check_name
from dashboards.app.pages.sales_tree import PAGE_OF_METRIC, SALES_AND_FACTORS, Figures
from dashboards.app.pages.slots import content_name, slot_key, slot_name
from dashboards.app.times import local_time
from dashboards.app.watch.festivals import festivals_of
from dashboards.app.watch.measured import values_of
from dashboards.app.watch.rules import WEEKS, period_bounds
from dashboards.app.watch.texts import error_text
from dashboards.blocks import Block, Table, Text
from dashboards.columns import text
from dashboards.copy.status import read_checks
from dashboards.metrics import short_text
from dashboards.queries import query
from dashboards.sections.launches import NEW_FOR

_NAMED_PRODUCTS = 5
_QUIET_DAYS = 7
"""A new product gets this many days to sell."""


def attention(context: Context, now: Figures, then: Figures | None, *, has_log: bool) -> list[Block]:
    """The list, the most urgent first; one line if it is empty.

    Args:
        context: The request.
        now: The totals of the days shown.
        then: The totals of the comparison days; None if there are none.
        has_log: Whether there are events.
    """
    locale = context.locale
    not_judged = _why_not_judged(context, then)
    rows = [
        *_alerts(context),
        *_failed_checks(context),
        *_missing_days(context),
        *([] if not_judged or then is None else _falls(context, now, then)),
        *_quiet_products(context, has_log=has_log),
    ]
    if has_log:
        rows += _changed_contents(context)
    if not rows:
        falls = not_judged or locale.text("attention.no_falls")
        return [Text(locale.text.joined(locale.text("attention.nothing"), falls), "check")]
    columns = [
        text(locale.text("column.attention"), "kind"),
        text(locale.text("column.subject"), "subject", href=lambda row: row["href"]),
        text(locale.text("column.since"), "since"),
        text(locale.text("column.attention_note"), "note", is_long=True),
    ]
    title, about = locale.text("attention.title"), locale.text("attention.about")
    return [Table("attention", title, columns, rows, about, notes=(not_judged,))]


def _row(context: Context, kind: str, subject: str, since: object, href: str, note: str = "") -> dict[str, Any]:
    return {
        "kind": context.locale.text(f"attention.{kind}"),
        "subject": subject,
        "since": since,
        "href": href,
        "note": note,
    }


def _alerts(context: Context) -> list[dict[str, Any]]:
    """The alerts that fired at the last evaluation, for the days shown or later; and messages that did not arrive."""
    rows = [
        _row(context, "alert", shown.name, shown.finding.day, shown.href, shown.note) for shown in open_alerts(context)
    ]
    href, text = context.view.to("alerts").href, context.locale.text
    rows += [
        _row(
            context,
            "message",
            f"{message.name} → {message.recipient}",
            message.day,
            href,
            text(f"message.{message.state}.note", error=error_text(context.locale, message)),
        )
        for message in lost_messages(context)
    ]
    return rows


def _failed_checks(context: Context) -> list[dict[str, Any]]:
    href, timezone = context.view.to("quality", part="checks").href, context.copy.settings.timezone
    rows = []
    for check in read_checks(context.copy.home):
        if check.passed is False:
            at = local_time(check.at.replace(tzinfo=None), timezone) if check.at else None
            subject = f"{check.table}: {check_name(context.locale, check.name)}"
            rows.append(_row(context, "check", subject, at.date() if at else None, href, check.found))
    return rows


def _missing_days(context: Context) -> list[dict[str, Any]]:
    """One row that names the gaps: days shown between the first and the newest computed day that are not computed."""
    days, computed = context.days, context.copy.days
    first, last = max(days.first, computed[0]), min(days.last, computed[-1])
    missing = sorted(_every(first, last) - {*computed})
    if not missing:
        return []
    note = context.locale.text("attention.day.note", days=context.locale.text.days(len(missing)))
    named = ", ".join(map(str, missing[:3])) + (" …" if len(missing) > 3 else "")
    return [_row(context, "day", named, missing[0], context.view.to("quality").href, note)]


def _every(first: dt.date, last: dt.date) -> set[dt.date]:
    return {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}


def _why_not_judged(context: Context, then: Figures | None) -> str:
    """The sentence that says why falls of sales and their factors are not judged; '' if falls can be judged.

    There must be comparison days, and all days must be computed and over. If only the comparison days had a promotion
    or festival, a fall is expected.
    """
    days, text = context.days, context.locale.text
    if then is None or days.then_first is None or days.then_last is None:
        return text("attention.not_compared")
    shown, before = _every(days.first, days.last), _every(days.then_first, days.then_last)
    if not shown | before <= {*context.copy.days} or days.last > context.copy.newest(context.now):
        return text("attention.not_whole")
    festivals = festivals_of(context.copy.home).days
    names = {festivals[day].name(context.view.language) for day in before & {*festivals}}
    if names and not shown & {*festivals}:
        return text("attention.promotion_before", names=text("list.separator").join(sorted(names)))
    return ""


def _falls(context: Context, now: Figures, then: Figures) -> list[dict[str, Any]]:
    """Sales and their factors that fell against the comparison days by more than chance explains.

    See ``dashboards.app.watch.rules.period_bounds``.
    """
    days, locale = context.days, context.locale
    festivals = set(festivals_of(context.copy.home).days)
    rows = []
    for name in SALES_AND_FACTORS:
        if now[name] is None or then[name] is None:
            continue
        history = values_of(context.copy, name, (), days.first - dt.timedelta(days=7 * WEEKS), days.first)
        bounds = period_bounds(float(then[name]), history, days.first, days.number, festivals)
        if bounds is not None and bounds.side(float(now[name])) == "low":
            change = compared(locale, name, now[name], then[name])
            said = {"now": now[name], "low": bounds.low}
            figures = {key: short_text(locale.numbers, name, value) for key, value in said.items()}
            note = locale.text("attention.fall.note", change=f"{change.text} {change.against}", **figures)
            href = context.view.to(PAGE_OF_METRIC[name]).href
            rows.append(_row(context, "fall", locale.text.name("metric", name), days.first, href, note))
    return rows


def _changed_contents(context: Context) -> list[dict[str, Any]]:
    """A row for each entrance that has slots with changed content, with the latest of these changes."""
    locale, view = context.locale, context.view
    names = context.entrance_names()
    changes: dict[str, list[dict[str, Any]]] = {}
    for change in context.rows(query("overview.contents"), tests=context.copy.settings.experiments.pattern):
        changes.setdefault(change["entrance_id"], []).append(change)
    rows = []
    for entrance, (latest, *earlier) in changes.items():
        what = locale.text(
            "attention.content.many" if earlier else "attention.content.one",
            slot=slot_name(context, latest),
            before=content_name(context, latest["content_before"]),
            after=content_name(context, latest["content"]),
            n=1 + len(earlier),
        )
        slot = None if earlier else slot_key(latest)
        href = view.to("entrances", entrance=entrance, slot=slot).href
        rows.append(_row(context, "content", names.get(entrance, entrance), latest["first_day"], href, what))
    return rows


def _quiet_products(context: Context, *, has_log: bool) -> list[dict[str, Any]]:
    """Products launched at least a week ago, still new, that have not sold anything; the most exposed first.

    A row for each of the first few, and one for all others.
    """
    locale, copy, last = context.locale, context.copy, context.days.last
    if not all(map(copy.has, ("products.catalog", "products.daily", "products.names"))):
        return []
    new_for = copy.one(query("products.new_for"))["days"] or NEW_FOR
    found = copy.rows(query("overview.quiet_products"), day=last, days=new_for, quiet=_QUIET_DAYS)
    rows = []
    for product in found[:_NAMED_PRODUCTS]:
        age = locale.text.days(product["days_since_launch"])
        exposures = locale.numbers.full(product["exposures"])
        key = "attention.product.note" if has_log else "attention.product.age"
        note = locale.text(key, days=age, n=exposures)
        href = context.view.to("products", sku=product["product_id"]).href
        rows.append(_row(context, "product", product["name"], product["launched_on"], href, note))
    if more := len(found) - len(rows):
        subject = locale.text("attention.product.more", n=locale.numbers.full(more))
        rows.append(_row(context, "product", subject, None, context.view.to("products").href))
    return rows
