-- Every invoice with at least one paid line, paid at its own time. A few invoices have lines with two different minutes:
-- the first counts.
WITH entries AS (
    SELECT
        COALESCE(UPPER(TRIM(invoice_no)), '') AS order_id,
        UPPER(TRIM(stock_code)) AS sku,
        NULLIF(NULLIF(TRIM(customer_id), ''), 'NULL') AS user_id,
        invoice_date,
        TRY_CAST(REGEXP_EXTRACT(quantity, '^-?[0-9]{1,9}$') AS BIGINT) AS units,
        TRY_CAST(REGEXP_EXTRACT(unit_price, '^-?[0-9]+([.][0-9]{1,4}0*)?$') AS DECIMAL(18, 4)) AS price,
        batch_id,
        record_no
    FROM invoice_lines
),

kinds AS (
    SELECT
        *,
        CASE
            WHEN order_id LIKE 'A%' OR sku IN ('AMAZONFEE', 'BANK CHARGES', 'CRUK', 'S') THEN 'booking'
            WHEN order_id LIKE 'C%' THEN 'cancellation'
            WHEN units <= 0 OR price < 0 THEN 'correction'
            ELSE 'sale'
        END AS kind
    FROM entries
)

SELECT
    order_id,
    MIN(user_id) AS user_id,
    'paid' AS status,
    MIN(invoice_date) AS ordered_at,
    MIN(invoice_date) AS paid_at,
    'GBP' AS currency,
    MIN_BY(batch_id, (batch_id, record_no)) AS batch_id,
    MIN_BY(record_no, (batch_id, record_no)) AS record_no
FROM kinds
WHERE kind = 'sale'
GROUP BY order_id
HAVING BOOL_OR(units > 0 AND price > 0)
