/* check
model: attribution.attributed_sales
severity: warn
description: Order lines that were paid before they were ordered, or more than max_payment_delay_days after. Their add-to-carts may be on days that are not searched.
remedy: If late payment is usual in this shop, raise attribution.max_payment_delay_days. Payment before the order is an error in the order log.
*/
SELECT
    dt,
    order_id,
    line_no,
    ordered_at,
    paid_at
FROM attribution.attributed_sales
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND (
        paid_at > ordered_at + $max_payment_delay_days * INTERVAL '1' DAY
        OR paid_at < ordered_at
    )
