-- Only for the report: one day, with the day before and the same weekday last week.

-- query days: Sales by day up to the day.
SELECT dt, METRICS(revenue, net_revenue, orders, buyers, margin)
FROM core.order_lines WHERE dt BETWEEN $first AND $day GROUP BY dt;

-- query entrances: Traffic and sales of each entrance on the day.
WITH names AS (
    SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY entrance_id
)
SELECT now.*, names.name_zh, names.name_en,
    CAST(now.revenue AS DOUBLE) / nullif(sum(now.revenue) OVER (), 0) AS revenue_share,
    before.revenue AS revenue_before, week.revenue AS revenue_week
FROM attribution.entrance_daily AS now
LEFT JOIN names ON names.entrance_id = now.entrance_id
LEFT JOIN attribution.entrance_daily AS before ON before.entrance_id = now.entrance_id AND before.dt = $day - 1
LEFT JOIN attribution.entrance_daily AS week ON week.entrance_id = now.entrance_id AND week.dt = $day - 7
WHERE now.dt = $day ORDER BY now.revenue DESC, now.exposures DESC, now.entrance_id;

-- query total: Totals of all entrances on the day, and of the paid orders.
WITH paid AS (
    SELECT METRICS(orders, revenue) FROM core.order_lines WHERE dt = $day
), earlier AS (
    SELECT sum(revenue) FILTER (WHERE dt = $day - 1) AS revenue_before,
        sum(revenue) FILTER (WHERE dt = $day - 7) AS revenue_week
    FROM attribution.entrance_daily WHERE dt IN ($day - 1, $day - 7)
), sums AS (
    SELECT METRICS(exposures, product_clicks, add_to_carts, order_lines, revenue, revenue_by_visit, net_revenue, margin),
        METRICS(click_through_rate, cart_rate, click_to_order_rate, revenue_per_mille)
    FROM attribution.entrance_daily WHERE dt = $day
)
SELECT sums.*, paid.orders, earlier.*, coalesce(sums.revenue, 0) = coalesce(paid.revenue, 0) AS is_equal
FROM sums, paid, earlier;

-- query matches: The day's sales by kind of match.
SELECT matched_by, METRICS(order_lines, revenue, net_revenue, margin, revenue_share)
FROM attribution.attributed_sales WHERE dt = $day GROUP BY matched_by;

-- query slots: Traffic and sales of each slot on the day.
WITH names AS (
    SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY entrance_id
)
SELECT slots.*, names.name_zh, names.name_en, METRICS(slot_click_rate)
FROM attribution.slot_daily AS slots LEFT JOIN names ON names.entrance_id = slots.entrance_id
WHERE dt = $day
GROUP BY ALL
ORDER BY revenue DESC, impressions DESC, slots.entrance_id, head_page_type, head_module, head_slot, head_content_id;
