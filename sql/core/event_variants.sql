/* model
description: >
  The variants among the skus of a day's events, each with its product. A table of its own, so that a new variant in the
  catalogue makes only those days of core.events stale on which it occurs.
grain: [dt, sku]
partition: dt
reads: {raw.events: all}
columns:
  dt: {type: DATE, description: business day of the events}
  sku: {type: VARCHAR, description: variant}
  product_id: {type: VARCHAR, description: the product that it is a variant of}
*/
WITH variants AS (
    SELECT
        sku,
        product_id
    FROM core.products
    WHERE product_id <> sku
)

SELECT DISTINCT
    raw_events.dt,
    raw_events.sku,
    variants.product_id
FROM raw.events AS raw_events
INNER JOIN variants ON variants.sku = raw_events.sku
WHERE raw_events.dt BETWEEN $from_dt AND $to_dt
