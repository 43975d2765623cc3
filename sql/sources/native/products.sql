-- Native products, one row for each record; the newest version of a product counts.
SELECT
  sku,
  parent_sku,
  name,
  category,
  brand,
  unit_cost,
  list_price,
  launched_on,
  updated_at,
  batch_id,
  record_no
FROM products
