-- Search results for the typed text in lower case; one row more than listed, to know whether there are more.

-- query entrance: Entrances by id or name.
SELECT DISTINCT entrance_id AS key, CASE $language WHEN 'zh' THEN name_zh ELSE name_en END AS name
FROM core.entrances
WHERE contains(lower(entrance_id || ' ' || coalesce(name_zh, '') || ' ' || coalesce(name_en, '')), $q)
ORDER BY key LIMIT $most;

-- query product: Products by id, sku, name or category ($texts: names that match in the page's language).
-- A variant is also found by its own name if only the variant matches.
WITH found AS (
    SELECT product_id, sku, name FROM core.products
    WHERE contains(lower(concat_ws(' ', sku, product_id, name, category)), $q)
        OR list_contains($texts, name) OR list_contains($texts, category)
)
SELECT found.product_id AS key, min(names.name) AS name,
    CASE WHEN count(*) = 1 AND min(found.sku) <> found.product_id THEN min(coalesce(found.name, found.sku)) END AS variant
FROM found JOIN products.names AS names ON names.product_id = found.product_id
GROUP BY found.product_id ORDER BY key LIMIT $most;

-- query order: Orders by the beginning of their id.
SELECT order_id AS key, CAST(dt AS VARCHAR) AS name
FROM core.orders
WHERE starts_with(lower(order_id), $q) ORDER BY key LIMIT $most;

-- query cart: An add-to-cart by its id.
SELECT event_id AS key, CAST(dt AS VARCHAR) AS name
FROM attribution.attributed_events
WHERE lower(event_id) = $q AND end_type = 'add_to_cart' ORDER BY key LIMIT $most;

-- query device: Devices by the beginning of their id.
SELECT DISTINCT device_id AS key, device_id AS name
FROM attribution.attributed_events
WHERE starts_with(lower(device_id), $q) ORDER BY key LIMIT $most;
