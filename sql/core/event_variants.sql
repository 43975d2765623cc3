/* model
description: >
  The skus in each day's events that are variants, each with its product. This is a separate table, so that a new
  variant in the catalogue makes stale only those days of core.events on which it occurs.
grain: [dt, sku]
partition: dt
detail: true
reads: {raw.products: all}
columns:
  dt: {type: DATE, description: business day of the events}
  sku: {type: VARCHAR, description: the variant}
  product_id: {type: VARCHAR, description: the product that it is a variant of}
*/
WITH versions AS (
    SELECT
        sku,
        parent_sku,
        ROW_NUMBER() OVER (
            PARTITION BY sku
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.products
),

variants AS (
    SELECT
        sku,
        parent_sku
    FROM versions
    WHERE
        version_no = 1
        AND parent_sku <> sku
)

SELECT DISTINCT
    raw_events.dt,
    raw_events.sku,
    variants.parent_sku AS product_id
FROM raw.events AS raw_events
INNER JOIN variants ON variants.sku = raw_events.sku
WHERE raw_events.dt BETWEEN $from_dt AND $to_dt
