-- One slot.

-- query is_known: Whether the slot exists.
SELECT count(*) > 0 AS is_known
FROM attribution.slot_daily
WHERE entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot;

-- query total: The slot's traffic and sales on these days and on the comparison days.
SELECT dt < $first AS is_before,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last)
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY ALL;

-- query contents: Traffic and sales of each content that the slot showed.
SELECT entrance_id, head_page_type, head_module, head_slot, head_content_id, min(dt) AS first_day, max(dt) AS last_day,
    count(DISTINCT dt) AS days,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_per_mille),
    METRICS(orders, revenue_per_mille_impressions)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY ALL ORDER BY min(dt), revenue DESC, head_content_id;

-- query days: The slot's traffic and sales by day; days without any have no row.
SELECT dt,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(click_to_order_rate, revenue, net_revenue, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $from AND $to
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY dt;

-- query hours: The slot's traffic and sales by hour of the day, over all these days; hours without any have no row.
SELECT hour, METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(click_to_order_rate, revenue, net_revenue, margin, revenue_per_mille)
FROM attribution.slot_hourly
WHERE dt BETWEEN $from AND $to
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY hour;
