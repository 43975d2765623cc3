/* check
model: core.refunds
severity: error
description: Every refund of an order in another currency has an exchange rate for the day on which the order was paid, and its converted amount fits DECIMAL(18,4).
remedy: Add the currency's rate of the day of payment to config/fx.csv, then run again.
reads: {raw.orders: all}
*/
WITH order_versions AS (
    SELECT
        order_id,
        currency,
        paid_dt,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
)

SELECT
    refunds.dt,
    orders.currency,
    orders.paid_dt AS paid_on,
    COUNT(*) AS refunds
FROM core.refunds AS refunds
INNER JOIN order_versions AS orders ON orders.order_id = refunds.order_id
WHERE
    refunds.dt BETWEEN $from_dt AND $to_dt
    AND refunds.amount IS NULL
    AND orders.version_no = 1
GROUP BY refunds.dt, orders.currency, orders.paid_dt
