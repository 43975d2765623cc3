/* check
model: core.order_lines
severity: error
description: Every paid order in another currency has an exchange rate for the day of payment, and its converted amounts fit DECIMAL(18,4).
remedy: Add the currency's rate of that day to config/fx.csv, then run again.
*/
WITH lines AS (
    SELECT
        order_id,
        dt
    FROM core.order_lines
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND revenue IS NULL
),

order_versions AS (
    SELECT
        order_id,
        currency,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
)

SELECT
    lines.dt,
    orders.currency,
    COUNT(*) AS order_lines
FROM lines
INNER JOIN order_versions AS orders ON orders.order_id = lines.order_id
WHERE orders.version_no = 1
GROUP BY lines.dt, orders.currency
