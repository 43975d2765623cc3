-- The lines of invoices with at least one paid line.
SELECT
    order_id,
    line_no,
    sku,
    quantity,
    unit_price,
    batch_id,
    record_no
FROM lines
WHERE
    kind = 'sale'
    AND is_paid
