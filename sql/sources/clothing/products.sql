-- A product for each model, as the clicks on it say: its price never changes; its category is that of most clicks (one
-- click on model A18 says another).
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
