/* model
description: The products that the shop sells and their variants, each in its newest landed version.
grain: [sku]
reads: {raw.products: all}
columns:
  sku: {type: VARCHAR, description: "a product, or a variant of one"}
  parent_sku: {type: VARCHAR, description: the product that sku is a variant of; null = sku is a product itself}
  product_id: {type: VARCHAR, description: "parent_sku, otherwise sku; joins events, order lines and the product tables"}
  name: {type: VARCHAR, description: name shown to shoppers}
  category: {type: VARCHAR, description: as landed; null = unknown}
  brand: {type: VARCHAR, description: as landed; null = unknown}
  unit_cost: {type: "DECIMAL(18,4)", description: "cost of one unit, reporting currency; null = unknown"}
  list_price: {type: "DECIMAL(18,4)", description: "list price of one unit, reporting currency"}
  launched_on: {type: DATE, description: first day of sale; null = unknown}
  updated_at: {type: TIMESTAMP, description: "time of this version, UTC; null = unknown"}
*/
WITH versions AS (
    SELECT
        sku,
        parent_sku,
        COALESCE(parent_sku, sku) AS product_id,
        name,
        category,
        brand,
        unit_cost,
        list_price,
        launched_on,
        updated_at,
        -- The newest version counts. A version without updated_at is older than all others; of equally new versions the
        -- one with the larger hash counts.
        ROW_NUMBER() OVER (
            PARTITION BY sku
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.products
)

SELECT versions.* EXCLUDE (version_no)
FROM versions
WHERE version_no = 1
