/* check
model: core.order_lines
severity: warn
description: Order lines whose refunds exceed their revenue.
remedy: Look for a refund that landed under two keys, or a discount that is missing from the line.
*/
SELECT
    dt,
    order_id,
    line_no,
    revenue,
    refunded
FROM core.order_lines
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND refunded > revenue
