-- The slots of an entrance: traffic and sales, contents, credited order lines.

-- query slots: The slots of an entrance.
SELECT entrance_id, head_page_type, head_module, head_slot, count(DISTINCT head_content_id) AS contents,
    METRICS(impressions, clicks, slot_click_rate, exposures, product_clicks, click_through_rate, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_per_mille)
FROM attribution.slot_daily
WHERE dt BETWEEN $first AND $last AND entrance_id = $entrance
GROUP BY ALL ORDER BY revenue DESC, impressions DESC, head_page_type, head_module, head_slot;

-- query changes: Slots whose content changed on these days, with the content before and after; no variants of A/B tests.
WITH shown AS (
    SELECT dt, head_page_type, head_module, head_slot, head_content_id, impressions, clicks, revenue,
        has_impressions
    FROM attribution.slot_daily
    WHERE entrance_id = $entrance AND head_slot > 0 AND head_content_id <> '(none)' AND impressions > 0
        AND NOT regexp_matches(head_content_id, $tests)
        AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
    QUALIFY row_number() OVER (
        PARTITION BY dt, head_page_type, head_module, head_slot ORDER BY impressions DESC, head_content_id
    ) = 1
), marked AS (
    SELECT *, head_content_id IS DISTINCT FROM lag(head_content_id) OVER slots AS is_new
    FROM shown WINDOW slots AS (PARTITION BY head_page_type, head_module, head_slot ORDER BY dt)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE is_new) OVER (
        PARTITION BY head_page_type, head_module, head_slot ORDER BY dt
    ) AS run
    FROM marked
), runs AS (
    SELECT head_page_type, head_module, head_slot, run, any_value(head_content_id) AS content, min(dt) AS first_day,
        max(dt) AS last_day, count(*) AS days,
        METRICS(impressions, clicks, slot_click_rate, revenue, revenue_per_mille_impressions)
    FROM numbered
    GROUP BY ALL
)
SELECT now.*, before.content AS content_before, before.first_day AS first_day_before, before.days AS days_before,
    before.impressions AS impressions_before, before.clicks AS clicks_before, before.revenue AS revenue_before,
    before.slot_click_rate AS slot_click_rate_before,
    before.revenue_per_mille_impressions AS revenue_per_mille_impressions_before
FROM runs AS now
JOIN runs AS before
    ON before.head_page_type = now.head_page_type AND before.head_module = now.head_module
    AND before.head_slot = now.head_slot AND before.run = now.run - 1
WHERE now.first_day BETWEEN $first AND $last
ORDER BY now.first_day DESC, now.impressions DESC, now.head_page_type, now.head_module, now.head_slot;

-- query orders: The order lines credited to an entrance, or to one of its slots.
SELECT sales.order_id, sales.line_no, sales.entrance_id, sales.person_id, sales.paid_at, sales.sku, sales.product_id,
    coalesce(names.name, sales.product_id) AS name,
    CASE WHEN sales.sku <> sales.product_id THEN coalesce(listed.name, sales.sku) END AS variant,
    sales.quantity, sales.revenue, sales.net_revenue, sales.revenue - sales.net_revenue AS refunded, sales.margin,
    sales.matched_by, sales.matched_event_id, sales.head_page_type, sales.head_module, sales.head_slot,
    sales.head_content_id
FROM attribution.attributed_sales AS sales
LEFT JOIN products.names AS names ON names.product_id = sales.product_id
LEFT JOIN core.products AS listed ON listed.sku = sales.sku
WHERE sales.dt BETWEEN $first AND $last AND sales.entrance_id = $entrance
    AND ($kind = '' OR sales.matched_by = $kind)
    AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
ORDER BY sales.revenue DESC, sales.order_id, sales.line_no;

-- query content_days: What each slot of a page, '' for any, showed on each day, with its traffic and sales.
SELECT dt, head_page_type, head_module, head_slot, head_content_id,
    METRICS(impressions, clicks_with_impressions, exposures, product_clicks, order_lines, revenue, revenue_with_impressions)
FROM attribution.slot_daily
WHERE dt BETWEEN $from AND $to AND head_slot > 0
    AND ($page_type = '' OR head_page_type = $page_type)
GROUP BY ALL ORDER BY dt, head_page_type, head_module, head_slot, impressions DESC, head_content_id;
