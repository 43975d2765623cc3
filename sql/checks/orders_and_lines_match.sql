/* check
model: core.order_mismatches
severity: warn
description: Every landed order line and refund has its order, and every paid order its lines.
remedy: Land what is missing; `headwater sql "SELECT * FROM core.order_mismatches"` lists it.
*/
SELECT
    mismatch,
    COUNT(*) AS found,
    MIN(order_id) AS first_order_id
FROM core.order_mismatches
GROUP BY mismatch
