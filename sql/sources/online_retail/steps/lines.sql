-- Each invoice line with its kind, numbered in the order of the invoice. source.yaml defines a sale.
WITH entries AS (
    SELECT
        COALESCE(UPPER(TRIM(invoice_no)), '') AS order_id,
        UPPER(TRIM(stock_code)) AS sku,
        NULLIF(NULLIF(TRIM(customer_id), ''), 'NULL') AS user_id,
        invoice_date,
        quantity,
        unit_price,
        TRY_CAST(REGEXP_EXTRACT(quantity, '^-?[0-9]{1,9}$') AS BIGINT) AS units,
        TRY_CAST(REGEXP_EXTRACT(unit_price, '^-?[0-9]+([.][0-9]{1,4}0*)?$') AS DECIMAL(18, 4)) AS price,
        ROW_NUMBER() OVER (
            PARTITION BY batch_id, invoice_no, stock_code, customer_id, invoice_date, quantity, unit_price
            ORDER BY record_no
        ) AS repeat_no,
        batch_id,
        record_no
    FROM invoice_lines
),

-- The n-th of several equal lines is the same line in every file.
first_told AS (
    SELECT
        *,
        FIRST_VALUE(batch_id) OVER same_line AS first_batch_id,
        FIRST_VALUE(record_no) OVER same_line AS first_record_no,
        CASE
            WHEN order_id LIKE 'A%' OR sku IN ('AMAZONFEE', 'BANK CHARGES', 'CRUK', 'S') THEN 'booking'
            WHEN order_id LIKE 'C%' THEN 'cancellation'
            WHEN units <= 0 OR price < 0 THEN 'correction'
            ELSE 'sale'
        END AS kind
    FROM entries
    WINDOW same_line AS (
        PARTITION BY order_id, sku, user_id, invoice_date, quantity, unit_price, repeat_no
        ORDER BY batch_id, record_no
    )
)

SELECT
    *,
    DENSE_RANK() OVER (PARTITION BY order_id ORDER BY first_batch_id, first_record_no) AS line_no,
    -- A sale with an invalid quantity or price counts as paid, so that it is quarantined and not left out.
    BOOL_OR(kind = 'sale' AND (units IS NULL OR price IS NULL OR price > 0)) OVER (PARTITION BY order_id) AS is_paid
FROM first_told
