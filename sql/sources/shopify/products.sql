-- Each product, by its handle, and each of its variants. Only the first row of a product has its title, vendor and
-- type; a variant without a sku gets the name that order lines use as its sku.
WITH entries AS (
    SELECT
        TRIM(handle) AS handle,
        MAX(NULLIF(TRIM(title), '')) OVER product AS title,
        MAX(NULLIF(TRIM(vendor), '')) OVER product AS vendor,
        MAX(NULLIF(TRIM(category), '')) OVER product AS category,
        NULLIF(REGEXP_REPLACE(TRIM(variant_sku), '^''', ''), '') AS variant_sku,
        NULLIF(
            CONCAT_WS(
                ' / ',
                NULLIF(NULLIF(TRIM(option_1), ''), 'Default Title'),
                NULLIF(TRIM(option_2), ''),
                NULLIF(TRIM(option_3), '')
            ),
            ''
        ) AS options,
        NULLIF(TRIM(variant_price), '') AS price,
        NULLIF(TRIM(cost_per_item), '') AS unit_cost,
        NULLIF(TRIM(exported_at), '') AS exported_at,
        ROW_NUMBER() OVER (PARTITION BY batch_id, TRIM(handle) ORDER BY record_no) AS row_no,
        batch_id,
        record_no
    FROM products
    WINDOW product AS (PARTITION BY batch_id, TRIM(handle))
),

named AS (
    SELECT
        entries.*,
        CASE WHEN price IS NOT NULL THEN COALESCE(variant_sku, CONCAT_WS(' - ', title, options)) END AS sku
    FROM entries
),

-- A variant whose sku is the handle is the product itself.
own AS (
    SELECT
        handle,
        batch_id,
        MAX(price) AS price,
        MAX(unit_cost) AS unit_cost
    FROM named
    WHERE sku = handle
    GROUP BY handle, batch_id
)

SELECT
    named.handle AS sku,
    CAST(NULL AS VARCHAR) AS parent_sku,
    named.title AS name,
    named.category,
    named.vendor AS brand,
    own.price AS list_price,
    own.unit_cost,
    named.exported_at AS updated_at,
    named.batch_id,
    named.record_no
FROM named
LEFT JOIN own USING (handle, batch_id)
WHERE named.row_no = 1
UNION ALL
SELECT
    sku,
    handle AS parent_sku,
    CONCAT_WS(', ', title, options) AS name,
    category,
    vendor AS brand,
    price AS list_price,
    unit_cost,
    exported_at AS updated_at,
    batch_id,
    record_no
FROM named
WHERE sku <> handle
