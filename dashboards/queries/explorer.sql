-- The path of an order, a cart or a device.

-- query lines: The lines of an order.
SELECT sales.*, coalesce(names.name, sales.product_id) AS name,
    CASE WHEN sales.sku <> sales.product_id THEN coalesce(listed.name, sales.sku) END AS variant
FROM attribution.attributed_sales AS sales
LEFT JOIN products.names AS names ON names.product_id = sales.product_id
LEFT JOIN core.products AS listed ON listed.sku = sales.sku
WHERE sales.order_id = $find ORDER BY sales.line_no;

-- query sales_of_end: The sales matched to an end of a path.
SELECT sales.*, coalesce(names.name, sales.product_id) AS name,
    CASE WHEN sales.sku <> sales.product_id THEN coalesce(listed.name, sales.sku) END AS variant
FROM attribution.attributed_sales AS sales
LEFT JOIN products.names AS names ON names.product_id = sales.product_id
LEFT JOIN core.products AS listed ON listed.sku = sales.sku
WHERE sales.matched_event_id = $find ORDER BY sales.paid_at, sales.order_id, sales.line_no;

-- query end: One end of a path: an add-to-cart, click or exposure.
SELECT ends.*, coalesce(names.name, ends.product_id) AS name,
    CASE WHEN ends.sku <> ends.product_id THEN coalesce(listed.name, ends.sku) END AS variant
FROM attribution.attributed_events AS ends
LEFT JOIN products.names AS names ON names.product_id = ends.product_id
LEFT JOIN core.products AS listed ON listed.sku = ends.sku
WHERE ends.event_id = $find;

-- query ends_of_device: The add-to-carts of a device, with the sales matched to them.
SELECT ends.event_id, ends.occurred_at, ends.sku, ends.product_id, coalesce(names.name, ends.product_id) AS name,
    CASE WHEN ends.sku <> ends.product_id THEN coalesce(listed.name, ends.sku) END AS variant,
    ends.entrance_id, ends.rule, any_value(sales.order_id) AS order_id, sum(sales.revenue) AS revenue
FROM attribution.attributed_events AS ends
LEFT JOIN products.names AS names ON names.product_id = ends.product_id
LEFT JOIN core.products AS listed ON listed.sku = ends.sku
LEFT JOIN attribution.attributed_sales AS sales ON sales.matched_event_id = ends.event_id
WHERE ends.device_id = $find AND ends.end_type = 'add_to_cart'
GROUP BY ALL ORDER BY ends.occurred_at DESC, ends.event_id;

-- query steps: The steps of the path to an end.
SELECT steps.*, coalesce(products.name, steps.sku) AS product
FROM attribution.path_steps AS steps LEFT JOIN core.products AS products ON products.sku = steps.sku
WHERE steps.end_event_id = $end ORDER BY steps.step_no;

-- query example: The order line whose path is the best example.
SELECT sales.order_id, sales.line_no,
    count(*) FILTER (WHERE steps.is_backtracked) AS backtracked,
    count(*) FILTER (WHERE steps.effective_step_no IS NULL) AS superseded
FROM attribution.attributed_sales AS sales
JOIN attribution.path_steps AS steps ON steps.end_event_id = sales.matched_event_id
WHERE sales.dt BETWEEN $first AND $last AND sales.matched_by = 'cart'
GROUP BY ALL
ORDER BY least(backtracked, 2) + least(superseded, 2) DESC, abs(count(*) - 8), sales.order_id, sales.line_no
LIMIT 1;

-- query order: Whether the order exists.
SELECT status FROM core.orders WHERE order_id = $find;

-- query visit: The event that a sale without a path was matched to.
SELECT event_id, occurred_at, page_id, page_type, module, slot, content_id FROM core.events WHERE event_id = $find;
