-- Sales by kind of match: of all entrances, of one, or of one slot.

-- query by_kind: Sales of each kind of match.
SELECT matched_by, METRICS(order_lines, orders, units, revenue, net_revenue, refunded, margin)
FROM attribution.attributed_sales
WHERE dt BETWEEN $first AND $last AND ($entrance = '' OR entrance_id = $entrance)
    AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
GROUP BY matched_by;

-- query total: Total sales of all kinds.
SELECT METRICS(order_lines, orders, units, revenue, net_revenue, refunded, margin)
FROM attribution.attributed_sales
WHERE dt BETWEEN $first AND $last AND ($entrance = '' OR entrance_id = $entrance)
    AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot));

-- query of_kind: Sales of one kind by entrance, by slot or by content; the keys below the chosen level are null.
WITH placed AS (
    SELECT * REPLACE (
        CASE WHEN $level <> 'entrances' THEN head_page_type END AS head_page_type,
        CASE WHEN $level <> 'entrances' THEN head_module END AS head_module,
        CASE WHEN $level <> 'entrances' THEN head_slot END AS head_slot,
        CASE WHEN $level = 'contents' THEN head_content_id END AS head_content_id
    )
    FROM attribution.attributed_sales
    WHERE matched_by = $kind AND ($entrance = '' OR entrance_id = $entrance)
        AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
), now AS (
    SELECT entrance_id, head_page_type, head_module, head_slot, head_content_id,
        METRICS(order_lines, orders, units, revenue, revenue_share, net_revenue, margin)
    FROM placed WHERE dt BETWEEN $first AND $last GROUP BY ALL
), before AS (
    SELECT entrance_id, head_page_type, head_module, head_slot, head_content_id, METRICS(revenue)
    FROM placed WHERE dt BETWEEN $then_first AND $then_last GROUP BY ALL
)
SELECT now.*, now.revenue - now.net_revenue AS refunded, before.revenue AS revenue_before
FROM now
LEFT JOIN before
    ON before.entrance_id = now.entrance_id AND before.head_page_type IS NOT DISTINCT FROM now.head_page_type
    AND before.head_module IS NOT DISTINCT FROM now.head_module
    AND before.head_slot IS NOT DISTINCT FROM now.head_slot
    AND before.head_content_id IS NOT DISTINCT FROM now.head_content_id
ORDER BY now.revenue DESC, now.entrance_id, now.head_page_type, now.head_module, now.head_slot, now.head_content_id;

-- query before: Sales of one kind on the comparison days.
SELECT METRICS(revenue) AS revenue_before
FROM attribution.attributed_sales
WHERE dt BETWEEN $then_first AND $then_last AND matched_by = $kind AND ($entrance = '' OR entrance_id = $entrance)
    AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot));
