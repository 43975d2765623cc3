"""The frame of every page: menu, dates, language, theme, search, freshness; and error pages.

Here: these parts of the frame as components.
Not here: the contents of pages.
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from dashboards.app import saved_views
from dashboards.app.context import Context
from dashboards.app.export_menu import export_menu
from dashboards.app.icons import icon
from dashboards.app.link_frame import as_shared, language_and_theme, plain_brand, reader_tools
from dashboards.app.link_reader import link_now, unlinked
from dashboards.app.marks import clean, marks
from dashboards.app.marts import Copy
from dashboards.app.slice_bar import slice_bar, slice_note
from dashboards.app.terms import term
from dashboards.app.view import COMPARISONS, PAGES, PRESETS, SEARCH, View, preset_days
from dashboards.copy.build import current
from dashboards.copy.status import read_checks
from dashboards.numbers import Language
from dashboards.texts import Texts
from pipelines.home.folder import Home
from pipelines.home.lock import lock_holder

LOCALES: dict[Language, str] = {"zh": "zh-cn", "en": "en"}
"""Language → its name in the calendar component."""

MENU: tuple[str | tuple[str, tuple[str, ...]], ...] = (
    "overview",
    ("traffic", ("entrances", "slots", "experiments", "channels", "modules", "funnel", "retention")),
    ("attribution", ("models", "journeys", "paths")),
    "products",
    "customers",
    ("plan", ("plan", "views")),
    "quality",
    "alerts",
    "sql",
)
"""The pages of the menu; a group is a name with its pages. Without groups the pages would need more than one line."""


def page(context: Context, content: Sequence[Component], title: str = "") -> Any:
    """A page in its frame; *title* names what the page shows; '': the general name of the page."""
    view, text = context.view, context.locale.text
    main = html.Main(
        [
            html.Div(
                [
                    term(html.H1(clean(title) or text(f"page.{view.page}")), text(f"page.{view.page}.about")),
                    html.P(days_note(context), className="days") if view.is_of_days else None,
                ],
                className="page-head",
            ),
            *content,
        ],
        id="main",
    )
    if not view.is_of_days or link_now():
        return _frame(view, [main], context, clean(title))
    filters = slice_bar(context)
    choosers = html.Div([_controls(context), *([filters] if filters else [])], className="choosers")
    return _frame(view, [choosers, main], context, clean(title))


def _frame(view: View, content: Sequence[Any], context: Context | None = None, title: str = "") -> Any:
    text = Texts(view.language)
    link = link_now()
    if link is not None:
        view = as_shared(link, view)
        content = unlinked(content)
    parts = (
        [_brand(view), _menu(view), _tools(view, context)]
        if link is None
        else [plain_brand(), reader_tools(view, link)]
    )
    return dmc.MantineProvider(
        html.Div(
            [
                html.A(text("skip"), href="#main", className="skip"),
                html.Header(parts, className="top" if link is None else "top shared"),
                *content,
            ],
            id="page",
            className=view.theme,
            lang="zh-CN" if view.language == "zh" else "en",
            **marks(
                {
                    "data-href": view.href,
                    "data-title": f"{title or text(f'page.{view.page}')} · Headwater",
                    "data-theme": view.theme,
                    "data-lang": view.language,
                }
            ),
        ),
        forceColorScheme=view.theme,
        theme={"primaryColor": "cyan", "fontFamily": "inherit", "primaryShade": {"light": 9, "dark": 5}},
    )


def _brand(view: View) -> Component:
    return html.A(plain_brand().children, href=view.to(PAGES[0]).href, className="brand")


def _menu(view: View) -> Component:
    text = Texts(view.language)

    def link(name: str, *icons: Component) -> Component:
        return html.A(
            [*icons, text(f"page.{name}")],
            href=view.to(name).href,
            className="here" if name == view.page else None,
            **marks({"aria-current": "page"} if name == view.page else {}),
        )

    def group(name: str, pages: Sequence[str]) -> Component:
        head = html.Button(
            [icon(name), text(f"menu.{name}"), icon("down")],
            type="button",
            className="here" if view.page in pages else None,
            **marks({"aria-haspopup": "true"}),
        )
        return html.Div([head, html.Div([link(page) for page in pages], className="pages")], className="group")

    parts = [link(part, icon(part)) if isinstance(part, str) else group(*part) for part in MENU]
    return html.Nav(parts, className="menu", **marks({"aria-label": text("menu")}))


def _tools(view: View, context: Context | None) -> Component:
    text = Texts(view.language)
    return html.Div(
        [
            dmc.TextInput(
                id="find",
                value=view.get("q") if view.page == SEARCH else "",
                placeholder=text("find.hint"),
                size="sm",
                className="find",
                leftSection=icon("search"),
                **marks({"aria-label": text("find")}),
            ),
            html.Div(
                freshness(context.copy, view, mark_of(context.copy)) if context else None,
                id="badge",
                className="badge",
                role="status",
            ),
            *([saved_views.menu(context), export_menu(context)] if context else []),
            *language_and_theme(view),
            *_visitor(text),
        ],
        className="tools",
    )


def _visitor(text: Texts) -> list[Component]:
    """The signed-in user and the button to sign out; empty if the server has no sign-in."""
    name, token = (flask.g.get(key, "") for key in ("user", "form_token")) if flask.has_request_context() else ("", "")
    if not name:
        return []
    role = text(f"access.role.{flask.g.role}")
    who = html.Span(name, className="who", title=role)
    if not token:
        return [who]
    leave = [dcc.Input(type="hidden", name="token", value=token), html.Button(text("access.leave"), className="leave")]
    return [who, html.Form(leave, action="/sign-out", method="post")]


def _controls(context: Context) -> Component:
    view, text, days = context.view, context.locale.text, context.days
    earliest, newest = context.copy.days[0], context.copy.newest(context.now)
    presets = []
    for preset in PRESETS:
        first, last = preset_days(preset, earliest, newest)
        is_here = (first, last) == (days.first, days.last)
        presets.append(
            html.A(
                text(f"preset.{preset}"),
                href=view.over(first, last).href,
                className="preset here" if is_here else "preset",
            )
        )
    return html.Div(
        [
            _calendar(context),
            html.Div(presets, className="presets", role="group", **marks({"aria-label": text("presets")})),
            *([_comparison(view)] if view.compares else []),
        ],
        className="bar",
    )


def _calendar(context: Context) -> Any:
    """The date range, in a calendar in the page's language with weeks that begin on Monday (``assets/calendar.js``)."""
    view, text, days = context.view, context.locale.text, context.days
    names = ("nextMonth", "previousMonth", "nextYear", "previousYear", "nextDecade", "previousDecade")
    in_chinese = {"getDayProps": {"function": "dayInChinese"}} if view.language == "zh" else {}
    return dmc.DatesProvider(
        dmc.DatePickerInput(
            id="days",
            type="range",
            value=[days.first.isoformat(), days.last.isoformat()],
            minDate=context.copy.days[0].isoformat(),
            maxDate=max(context.copy.newest(context.now), context.copy.days[-1]).isoformat(),
            valueFormat="YYYY-MM-DD",
            allowSingleDateInRange=True,
            label=text("days"),
            size="sm",
            className="dates",
            ariaLabels={name: text(f"calendar.{name}") for name in names},
            monthLabelFormat=text("calendar.month"),
            yearLabelFormat=text("calendar.year"),
            yearsListFormat=text("calendar.year"),
            **in_chinese,
        ),
        settings={"locale": LOCALES[view.language], "firstDayOfWeek": 1},
    )


def _comparison(view: View) -> Any:
    text = Texts(view.language)
    return dmc.Select(
        id={"type": "set", "key": "compare"},
        label=text("compare"),
        data=[{"value": name, "label": text(f"compare.{name}")} for name in COMPARISONS],
        value=view.compare,
        allowDeselect=False,
        size="sm",
        className="compare",
    )


def days_note(context: Context) -> str:
    """Sentences: the days shown, the comparison days, and which days are incomplete."""
    text, days = context.locale.text, context.days
    number = text.days(days.number)
    sentences = [context.said_days]
    if context.view.is_as_of:
        sentences = [text("range.as_of", days=number)]
    if days.then_first is not None:
        is_window_cut = days.start is not None and days.start <= days.then_first
        key = "compared" if days.is_recorded_then else "window_cut" if is_window_cut else "not_compared"
        span = {"first": days.then_first, "last": days.then_last, "start": days.start or "", "n": days.window_days}
        sentences.append(text(f"range.{key}", **span))
    present = sum(days.first <= day <= days.last for day in context.copy.days)
    if present < days.number and not context.view.is_as_of:
        sentences.append(text("range.missing_days", n=days.number - present))
    if context.has_deleted_days:
        sentences.append(text("range.details", day=context.details_from))
    if days.last >= context.copy.open_from(context.now):
        sentences.append(text("range.unfinished"))
    sentences.append(slice_note(context))
    return text.joined(*sentences)


def mark_of(copy: Copy) -> str:
    """The copy that a page was made from, as text: its version, its time, its last day."""
    copy_file = copy.file
    return f"{copy_file.version} {copy_file.published_at.isoformat()} {copy.days[-1] if copy.days else ''}".strip()


def freshness(copy: Copy, view: View, shown: str) -> list[Any]:
    """The badge: last day of the data shown, time of the copy, newer data, a run in progress, failed checks.

    *shown* is the ``mark_of`` of the page's copy; '' if no page is shown. Times are in the shop's time zone.
    """
    text, home = Texts(view.language), copy.home
    version, published_at, day = [*shown.split(" "), "", "", ""][:3]
    parts: list[Any] = []
    if not published_at:
        return parts
    newest = current(home)
    if newest is not None and newest.version != version:
        parts.append(html.A(text("badge.newer"), href="", className="newer"))
    if lock_holder(home) is not None:
        parts.append(html.Span(text("badge.running"), className="running"))
    zone = ZoneInfo(copy.settings.timezone)
    local = dt.datetime.fromisoformat(published_at).astimezone(zone)
    is_today = local.date() == dt.datetime.now(zone).date()
    at = f"{local:%H:%M}" if is_today else f"{local:%Y-%m-%d %H:%M}"
    failed = sum(check.passed is False for check in read_checks(home))
    if failed:
        href = view.to("quality", part="checks").href
        parts.append(html.A(text("badge.failed", n=failed), href=href, className="failed"))
    sentences = text("badge.data", day=day, at=at) if day else text("badge.copied", at=at)
    parts.append(html.Span(sentences, className="as-of"))
    return parts


def skeleton(language: Language) -> Component:
    """What the browser shows until the first page has loaded."""
    text = Texts(language)
    return html.Div(
        [html.P(text("loading"), role="status"), *(html.Div(className="bone") for _ in range(6))], className="skeleton"
    )


def failure(view: View, kind: str, what: str, remedy: str = "") -> Any:
    """An error page: what failed (*kind*, a key of the texts ``failure.<kind>``), why (*what*) and what to do.

    *remedy* is what to do; '' if unknown.
    """
    text = Texts(view.language)
    main = html.Main(
        [
            html.H1(text(f"failure.{kind}")),
            html.P(text(f"failure.{kind}.about", what=what), className="warning", role="alert"),
            *([html.P(remedy)] if remedy else []),
            html.P(html.A(text("failure.back"), href=View(language=view.language, theme=view.theme).href)),
        ],
        id="main",
    )
    return _frame(view, [main])


def to_run(view: View, home: Home, kind: str) -> Any:
    """A page that says why there are no numbers (*kind*, a key of the texts ``failure.<kind>``) and what to run."""
    text = Texts(view.language)
    main = html.Main(
        [
            html.H1(text(f"failure.{kind}")),
            html.P(
                [text(f"failure.{kind}.about"), " ", html.Code(f"headwater run --home {shlex.quote(str(home.root))}")],
                className="missing",
                role="status",
            ),
        ],
        id="main",
    )
    return _frame(view, [main])
