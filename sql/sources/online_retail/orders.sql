-- Every invoice with at least one paid line, paid at its own time. A few invoices have lines with two different minutes:
-- the first counts.
SELECT
    order_id,
    MIN(user_id) AS user_id,
    'paid' AS status,
    MIN(invoice_date) AS ordered_at,
    MIN(invoice_date) AS paid_at,
    'GBP' AS currency,
    MIN_BY(batch_id, (batch_id, record_no)) AS batch_id,
    MIN_BY(record_no, (batch_id, record_no)) AS record_no
FROM lines
WHERE kind = 'sale'
GROUP BY order_id
HAVING BOOL_OR(units > 0 AND price > 0)
