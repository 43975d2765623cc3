-- One product with its variants.

-- query id: The product_id of a sku: the product of which it is a variant, or the sku itself.
-- A sku that is a product_id is its own product, even if the catalogue lists it as a variant of another product.
SELECT coalesce(
    (SELECT product_id FROM products.names WHERE product_id = $sku),
    (SELECT product_id FROM core.products WHERE sku = $sku),
    $sku
) AS product_id;

-- query product: The product's entry in the catalogue.
SELECT names.name, nullif(catalog.category, '(none)') AS category, catalog.launched_on, own.brand, own.list_price
FROM products.catalog AS catalog
LEFT JOIN products.names AS names ON names.product_id = catalog.product_id
LEFT JOIN core.products AS own ON own.sku = catalog.product_id
WHERE catalog.product_id = $product;

-- query windows: The product's metrics over each window.
SELECT * FROM products.metrics WHERE dt = $day AND product_id = $product ORDER BY window_days;

-- query places: The product's quadrant in each matrix and window.
SELECT * FROM products.quadrants WHERE dt = $day AND product_id = $product;

-- query days: The product's sales and traffic by day; days without any have no row.
SELECT dt, METRICS(revenue, units, order_lines, exposures, product_clicks, views, add_to_carts)
FROM products.daily
WHERE product_id = $product AND dt BETWEEN $from AND $to GROUP BY dt;

-- query entrances: The product's sales by entrance.
SELECT entrance_id, METRICS(revenue, revenue_by_visit, net_revenue, margin, orders, units, revenue_share)
FROM attribution.attributed_sales
WHERE product_id = $product AND dt BETWEEN $first AND $last AND ($kind = '' OR matched_by = $kind)
GROUP BY entrance_id ORDER BY revenue DESC, entrance_id;

-- query variants: The product's sales by sku.
WITH skus AS (
    SELECT sku FROM core.products WHERE product_id = $product
    UNION SELECT sku FROM products.daily WHERE product_id = $product AND dt BETWEEN $first AND $last
), sold AS (
    SELECT sku, METRICS(units, order_lines, revenue, refunded)
    FROM products.daily WHERE product_id = $product AND dt BETWEEN $first AND $last GROUP BY sku
)
SELECT skus.sku, coalesce(listed.name, skus.sku) AS name, listed.list_price, coalesce(sold.units, 0) AS units,
    coalesce(sold.order_lines, 0) AS order_lines, coalesce(sold.revenue, 0) AS revenue,
    coalesce(sold.refunded, 0) AS refunded, coalesce(sold.revenue, 0) - coalesce(sold.refunded, 0) AS net_revenue
FROM skus LEFT JOIN sold ON sold.sku = skus.sku LEFT JOIN core.products AS listed ON listed.sku = skus.sku
ORDER BY revenue DESC, skus.sku;
