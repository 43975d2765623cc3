/* check
model: core.order_mismatches
severity: warn
description: Every landed order line and refund has its order, and every paid order its lines and its paid_at.
remedy: Land the missing records (an order without paid_at is not in the sales); `headwater sql "SELECT * FROM core.order_mismatches"` lists them.
*/
SELECT
    mismatch,
    COUNT(*) AS found,
    MIN(order_id) AS first_order_id
FROM core.order_mismatches
GROUP BY mismatch
