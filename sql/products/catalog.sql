/* model
description: >
  What the product tables know of a product besides its figures. A change here makes every day of them stale, so it holds
  no more than they need.
grain: [sku]
columns:
  sku: {type: VARCHAR, description: product}
  category: {type: VARCHAR, description: "category; '(none)' if unknown"}
  launched_on: {type: DATE, description: first day of sale; null = unknown}
*/
SELECT
    sku,
    COALESCE(category, '(none)') AS category,
    launched_on
FROM core.products
