/* model
description: >
  The name and brand of each product of the catalogue. This is a separate table so that a new name makes no day of the
  product tables stale.
grain: [product_id]
columns:
  product_id: {type: VARCHAR, description: "parent_sku, otherwise sku, of the catalogue's rows"}
  name: {type: VARCHAR, description: "name in the product's own row; without one the name of its first variant by sku that has a name; otherwise product_id"}
  brand: {type: VARCHAR, description: "brand in the product's own row; without such a row the brand of its variants if all have the same; otherwise '(none)'"}
  variants: {type: BIGINT, description: skus of the catalogue that are variants of the product; 0 = the product itself is sold}
*/
WITH families AS (
    SELECT
        product_id,
        ARG_MIN(name, sku) FILTER (WHERE name IS NOT NULL) AS variant_name,
        MIN(brand) AS first_brand,
        MAX(brand) AS last_brand,
        COUNT(*) FILTER (WHERE sku <> product_id) AS variants
    FROM core.products
    GROUP BY product_id
)

SELECT
    families.product_id,
    COALESCE(own.name, families.variant_name, families.product_id) AS name,
    COALESCE(
        own.brand, CASE WHEN families.first_brand = families.last_brand THEN families.first_brand END, '(none)'
    ) AS brand,
    families.variants
FROM families
LEFT JOIN core.products AS own ON own.sku = families.product_id
