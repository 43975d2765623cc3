/* model
description: >
  What the product tables know of a product besides its figures: a row for each product that the catalogue names by its
  own row or by a variant. A change here makes every day of these tables stale, so it has no more columns than they need.
grain: [product_id]
columns:
  product_id: {type: VARCHAR, description: product with its variants}
  category: {type: VARCHAR, description: "category of the product's own row; without one that of its variants, if they agree; else '(none)'"}
  launched_on: {type: DATE, description: "first day of sale by the product's own row; without one the earliest of its variants; null = unknown"}
*/
WITH families AS (
    SELECT
        product_id,
        MIN(category) AS first_category,
        MAX(category) AS last_category,
        MIN(launched_on) AS launched_on
    FROM core.products
    GROUP BY product_id
)

SELECT
    families.product_id,
    COALESCE(
        own.category,
        CASE WHEN families.first_category = families.last_category THEN families.first_category END,
        '(none)'
    ) AS category,
    COALESCE(own.launched_on, families.launched_on) AS launched_on
FROM families
LEFT JOIN core.products AS own ON own.sku = families.product_id
