/* model
description: >
  What each product of the catalogue is called. A table of its own, since a new name should make no day of the product
  tables stale.
grain: [product_id]
columns:
  product_id: {type: VARCHAR, description: product with its variants}
  name: {type: VARCHAR, description: "name of the product's own row; without one that of its variant with the smallest sku that has a name; else product_id"}
  variants: {type: BIGINT, description: "skus of the catalogue that are variants of it; 0 = it is sold as it is"}
*/
WITH families AS (
    SELECT
        product_id,
        ARG_MIN(name, sku) FILTER (WHERE name IS NOT NULL) AS variant_name,
        COUNT(*) FILTER (WHERE sku <> product_id) AS variants
    FROM core.products
    GROUP BY product_id
)

SELECT
    families.product_id,
    COALESCE(own.name, families.variant_name, families.product_id) AS name,
    families.variants
FROM families
LEFT JOIN core.products AS own ON own.sku = families.product_id
