"""Customers: octants and segments, scores, lifecycle stages, concentration of sales.

Here: figures over customers.rfm_daily, rfm, lifecycle_daily and pareto.
Not here: migrations and cohorts (``dashboards.figures.tables``), queries, texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import BLUE, BLUES, GREY, INK, ORANGE, PAPER, SAND, SMALL, TEXT, base, plain, wrapped
from dashboards.locale import Locale

STAGES = ("new", "active", "returning", "dormant", "churned")


def group_shares(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Octants or segments ranked by their share of net revenue, beside their share of customers.

    Columns name, customers, customer_share, revenue_share, net_revenue, average_order_value, average_recency_days.
    """
    rows = frame.sort("revenue_share", descending=True, nulls_last=True).to_dicts()
    number = locale.numbers
    return ranked_bars(
        locale,
        [row["name"] for row in rows],
        [
            Bars(
                locale.text("legend.revenue_share"),
                [row["revenue_share"] for row in rows],
                [number.percent(row["revenue_share"]) for row in rows],
            ),
            Bars(
                locale.text("legend.customer_share"),
                [row["customer_share"] for row in rows],
                [
                    locale.text(
                        "label.customers", share=number.percent(row["customer_share"]), n=number.short(row["customers"])
                    )
                    for row in rows
                ],
                SAND,
                "/",
            ),
        ],
        [
            f"<b>{plain(row['name'])}</b>"
            f"<br>{locale.text('metric.customers')} {number.full(row['customers'])}"
            f"<br>{locale.text('metric.net_revenue')} {number.full_money(row['net_revenue'])}"
            f"<br>{locale.text('metric.net_order_value')} {number.full_money(row['average_order_value'])}"
            f"<br>{locale.text('metric.average_recency_days')} {number.full(row['average_recency_days'], 1)}"
            for row in rows
        ],
    )


def rfm_heat(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Customers by recency and frequency score, coloured by their mean net revenue.

    Columns r_score, f_score, customers, monetary. Cells without customers are blank; scores that no customer has are
    left out.
    """
    cells = {(row["r_score"], row["f_score"]): row for row in frame.iter_rows(named=True)}
    recent, frequent = (sorted(set(frame[name])) for name in ("r_score", "f_score"))
    figure = base(locale, 60 + 60 * len(frequent))
    number = locale.numbers

    def grid(make: Callable[[dict[str, Any]], object], absent: object) -> list[list[object]]:
        return [[make(cells[r, f]) if (r, f) in cells else absent for r in recent] for f in frequent]

    figure.add_heatmap(
        x=[str(score) for score in recent],
        y=[str(score) for score in frequent],
        z=grid(lambda row: row["monetary"], None),
        text=grid(lambda row: f"<b>{number.short(row['customers'])}</b><br>{number.money(row['monetary'])}", ""),
        texttemplate="%{text}",
        textfont={"size": TEXT, "color": INK},
        hovertext=grid(
            lambda row: (
                f"R {row['r_score']} · F {row['f_score']}<br>{locale.text('metric.customers')} "
                f"{number.full(row['customers'])}<br>{locale.text('metric.mean_monetary')} "
                f"{number.full_money(row['monetary'])}"
            ),
            "",
        ),
        hoverinfo="text",
        hoverongaps=False,
        colorscale=BLUES,
        xgap=3,
        ygap=3,
        showscale=False,
    )
    figure.update_xaxes(type="category", title_text=locale.text("axis.r_score"), showline=False)
    figure.update_yaxes(type="category", title_text=locale.text("axis.f_score"), showline=False)
    return figure


def lifecycle(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Customers in each stage now; a mark on each bar shows the number on the earlier day of the comparison.

    Columns stage, customers, revenue, before (customers on the earlier day; null if that day has no snapshot).
    """
    rows = sorted(frame.to_dicts(), key=lambda row: STAGES.index(row["stage"]))
    number = locale.numbers
    total = sum(row["customers"] for row in rows)
    has_before = any(row["before"] is not None for row in rows)
    return ranked_bars(
        locale,
        [locale.text(f"stage.{row['stage']}") for row in rows],
        [
            Bars(
                locale.text("legend.now"),
                [row["customers"] for row in rows],
                [
                    number.short(row["customers"]) + (f" · {number.percent(row['customers'] / total)}" if total else "")
                    for row in rows
                ],
            )
        ],
        [
            f"<b>{locale.text('stage.' + row['stage'])}</b><br>{locale.text('metric.customers')} "
            f"{number.full(row['customers'])}<br>{locale.text('legend.before')} {number.full(row['before'])}"
            f"<br>{locale.text('metric.revenue')} {number.full_money(row['revenue'])}"
            for row in rows
        ],
        Bars(locale.text("legend.before"), [row["before"] for row in rows], [], ORANGE) if has_before else None,
    )


def pareto(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Cumulative shares, best first: columns kind (customer, product), cumulative_members, cumulative_share.

    The point at the best fifth is labelled; a dotted line shows equal shares.
    """
    figure = base(locale, 340)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip"
    )
    top = 1.0
    styles = {"customer": (BLUE, "solid", "circle"), "product": (ORANGE, "dash", "square")}
    for kind, (color, dash, symbol) in styles.items():
        points = frame.filter((pl.col("kind") == kind) & pl.col("cumulative_share").is_not_null()).sort(
            "cumulative_members"
        )
        if points.is_empty():
            continue
        xs = [0.0, *points["cumulative_members"]]
        ys = [0.0, *points["cumulative_share"]]
        top = max(top, *ys)
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines+markers",
            line={"color": color, "width": 2.5, "dash": dash},
            marker={"size": 7, "symbol": symbol},
            name=locale.text(f"legend.pareto_{kind}"),
            hovertext=[
                locale.text(
                    f"hover.pareto_{kind}", members=locale.numbers.full_percent(x), share=locale.numbers.full_percent(y)
                )
                for x, y in zip(xs, ys, strict=True)
            ],
            hoverinfo="text",
        )
        _write_fifth(locale, figure, kind, xs, ys, color)
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    axis = {"tickvals": ticks, "ticktext": [locale.numbers.round_percent(tick) for tick in ticks], "showgrid": True}
    figure.update_xaxes(**axis, range=[-0.02, 1.03], title_text=locale.text("axis.members"))
    figure.update_yaxes(**axis, range=[-0.02, top * 1.05], title_text=locale.text("axis.share"))
    narrow = {"xaxis.title.text": wrapped(locale.text("axis.members"), 34)}
    figure.update_layout(showlegend=True, meta={"narrow": narrow})
    figure.data[0].showlegend = False
    return figure


def _write_fifth(locale: Locale, figure: go.Figure, kind: str, xs: list[float], ys: list[float], color: str) -> None:
    index = next((n for n, x in enumerate(xs) if x >= 0.2 - 1e-9), None)
    if index is None or xs[index] > 0.5:  # there are too few members for a point near a fifth, so label none
        return
    figure.add_annotation(
        x=xs[index],
        y=ys[index],
        text=locale.text(
            f"label.pareto_{kind}", members=locale.numbers.percent(xs[index]), share=locale.numbers.percent(ys[index])
        ),
        xanchor="left",
        align="left",
        font={"color": color if kind == "customer" else INK, "size": SMALL},
        bgcolor=PAPER,
        opacity=0.92,
        arrowcolor=color,
        arrowwidth=1,
        arrowhead=0,
        axref="x",
        ayref="y",
        ax=0.42,
        ay=0.36 if kind == "product" else 0.12,
    )
