-- The values of each dimension for visitors, orders, order lines and products, for filters and breakdowns; see
-- dashboards.slices. Customers have the segment of the day `$segments_on`.

-- query people: The platform, channel, kind of customer and segment of each visitor on each day.
SELECT visitors.dt, visitors.person_id, visitors.platform AS slice_platform, visitors.channel AS slice_channel,
    CASE WHEN first_orders.dt < visitors.dt THEN 'returning' ELSE 'new' END AS slice_customers,
    coalesce(rfm.segment, '(none)') AS slice_segment
FROM core.visitors AS visitors
LEFT JOIN core.first_orders AS first_orders ON first_orders.user_id = visitors.person_id
LEFT JOIN customers.rfm AS rfm ON rfm.user_id = visitors.person_id AND rfm.dt = $segments_on;

-- query orders: The platform, channel, kind of customer and segment of the buyer of each paid order.
SELECT orders.dt, orders.order_id, profiles.platform AS slice_platform, profiles.channel AS slice_channel,
    CASE WHEN first_orders.dt < orders.dt THEN 'returning' ELSE 'new' END AS slice_customers,
    coalesce(rfm.segment, '(none)') AS slice_segment
FROM core.paid_orders AS orders
LEFT JOIN core.order_profiles AS profiles ON profiles.dt = orders.dt AND profiles.order_id = orders.order_id
LEFT JOIN core.first_orders AS first_orders ON first_orders.user_id = orders.user_id
LEFT JOIN customers.rfm AS rfm ON rfm.user_id = orders.user_id AND rfm.dt = $segments_on;

-- query lines: The entrance, category and brand of each line of a paid order.
SELECT sales.dt, sales.order_id, sales.line_no, sales.entrance_id AS slice_entrance,
    coalesce(catalog.category, '(none)') AS slice_category, coalesce(names.brand, '(none)') AS slice_brand
FROM attribution.attributed_sales AS sales
LEFT JOIN products.catalog AS catalog ON catalog.product_id = sales.product_id
LEFT JOIN products.names AS names ON names.product_id = sales.product_id;

-- query products: The category and brand of each product of the catalogue.
SELECT catalog.product_id, catalog.category AS slice_category, names.brand AS slice_brand
FROM products.catalog AS catalog
INNER JOIN products.names AS names ON names.product_id = catalog.product_id;

-- query values: The values of each dimension that comes from data, with the most visitors, products or sales first.
SELECT 'platform' AS dimension, platform AS value, count(*) AS size FROM core.visitors GROUP BY platform
UNION ALL
SELECT 'channel', channel, count(*) FROM core.visitors GROUP BY channel
UNION ALL
SELECT 'category', category, count(*) FROM products.catalog GROUP BY category
UNION ALL
SELECT 'brand', brand, count(*) FROM products.names GROUP BY brand
UNION ALL
SELECT 'segment', segment, count(*) FROM customers.rfm WHERE dt = $segments_on GROUP BY segment
UNION ALL
SELECT 'entrance', entrance_id, count(*) FROM attribution.entrance_daily GROUP BY entrance_id
ORDER BY dimension, size DESC, value;
