-- One product for each stock code that was sold, with the most frequent name and price of its sales; if two are equally
-- frequent, the alphabetically first name and the higher price. The case of codes and blanks after names are ignored.
WITH sales AS (
    SELECT
        UPPER(TRIM(stock_code)) AS sku,
        NULLIF(TRIM(description), '') AS name,
        TRY_CAST(REGEXP_EXTRACT(unit_price, '^-?[0-9]+([.][0-9]{1,4}0*)?$') AS DECIMAL(18, 4)) AS price,
        batch_id,
        record_no
    FROM invoice_lines
    WHERE
        REGEXP_MATCHES(invoice_no, '^[^ACac]')
        AND UPPER(TRIM(stock_code)) NOT IN ('AMAZONFEE', 'BANK CHARGES', 'CRUK', 'S')
        AND TRY_CAST(REGEXP_EXTRACT(quantity, '^-?[0-9]{1,9}$') AS BIGINT) > 0
        AND TRY_CAST(REGEXP_EXTRACT(unit_price, '^[0-9]+([.][0-9]{1,4}0*)?$') AS DECIMAL(18, 4)) > 0
),

names AS (
    SELECT
        sku,
        name,
        MIN_BY(batch_id, (batch_id, record_no)) AS batch_id,
        MIN_BY(record_no, (batch_id, record_no)) AS record_no
    FROM sales
    GROUP BY sku, name
    QUALIFY ROW_NUMBER() OVER (PARTITION BY sku ORDER BY name IS NULL, COUNT(*) DESC, name) = 1
),

prices AS (
    SELECT
        sku,
        price
    FROM sales
    GROUP BY sku, price
    QUALIFY ROW_NUMBER() OVER (PARTITION BY sku ORDER BY COUNT(*) DESC, price DESC) = 1
)

SELECT
    names.sku,
    names.name,
    CASE
        WHEN names.sku IN ('C2', 'DOT', 'POST') THEN 'postage'
        WHEN names.sku = 'M' THEN 'manual'
        ELSE 'goods'
    END AS category,
    prices.price AS list_price,
    names.batch_id,
    names.record_no
FROM names
INNER JOIN prices USING (sku)
