-- One slot.

-- query is_known: Whether there is such a slot.
SELECT count(*) > 0 AS is_known
FROM attribution.slot_daily
WHERE entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot;

-- query total: What it brought.
SELECT count(*) AS days,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot;

-- query contents: What each thing that it showed brought.
SELECT entrance_id, head_page_type, head_module, head_slot, head_content_id, min(dt) AS first_day, max(dt) AS last_day,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY ALL ORDER BY min(dt), revenue DESC, head_content_id;

-- query days: What it brought by day; without the days on which it is not in the log.
SELECT dt,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(click_to_order_rate, revenue, net_revenue, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $from AND $to
    AND entrance_id = $entrance AND head_page_type = $page_type AND head_module = $module AND head_slot = $slot
GROUP BY dt;
