/* model
description: >
  Category and launch day of each product that the catalogue names in a row of its own or in a row of a variant. A
  change here makes every day of the product tables stale, so only columns that they need belong here.
grain: [product_id]
columns:
  product_id: {type: VARCHAR, description: "parent_sku, otherwise sku, of the catalogue's rows"}
  category: {type: VARCHAR, description: "category in the product's own row; without such a row the category of its variants if all have the same; otherwise '(none)'"}
  launched_on: {type: DATE, description: "first day of sale in the product's own row; without such a row the earliest of its variants; null = unknown"}
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
