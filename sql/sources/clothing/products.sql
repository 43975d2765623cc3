-- One product for each model in the clicks. Its price never changes. Its category is the one in most of its clicks (only
-- model A18 has a click with another one).
WITH counted AS (
    SELECT
        model,
        category,
        price,
        COUNT(*) AS clicks,
        MIN_BY(batch_id, (batch_id, record_no)) AS batch_id,
        MIN_BY(record_no, (batch_id, record_no)) AS record_no
    FROM clicks
    GROUP BY model, category, price
)

SELECT
    model AS sku,
    CASE category
        WHEN '1' THEN 'trousers'
        WHEN '2' THEN 'skirts'
        WHEN '3' THEN 'blouses'
        WHEN '4' THEN 'sale'
    END AS category,
    price AS list_price,
    batch_id,
    record_no
FROM counted
QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY clicks DESC, category, price) = 1
