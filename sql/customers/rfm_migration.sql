/* model
description: >
  Customers by the octant and segment they were in compare_days ago and the one they are in now. Nothing while there is no
  snapshot of that earlier day.
grain: [dt, kind, from_key, to_key]
partition: dt
as_of: true
reads: {customers.rfm: rfm_compare_days}
columns:
  dt: {type: DATE, description: the day at whose end they are where they are}
  compared_with: {type: DATE, description: the earlier day}
  kind: {type: VARCHAR, description: octant or segment}
  from_key: {type: VARCHAR, description: "key on the earlier day; (new): no paid order in its window"}
  to_key: {type: VARCHAR, description: "key on dt; (left): no paid order in its window any more"}
  customers: {type: BIGINT, description: customers}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ their net revenue as of dt, of those who left as of the earlier day"}
*/
WITH now AS (
    SELECT
        user_id,
        octant,
        segment,
        net_revenue
    FROM customers.rfm
    WHERE dt = $dt
),

before AS (
    SELECT
        user_id,
        octant,
        segment,
        net_revenue
    FROM customers.rfm
    WHERE dt = $dt - $rfm_compare_days
),

is_comparable AS (
    SELECT COUNT(*) > 0 AS is_comparable
    FROM before
),

moves AS (
    SELECT
        before.octant AS from_octant,
        now.octant AS to_octant,
        before.segment AS from_segment,
        now.segment AS to_segment,
        COALESCE(now.net_revenue, before.net_revenue) AS net_revenue
    FROM now
    FULL JOIN before ON before.user_id = now.user_id
),

kinds AS (
    SELECT
        'octant' AS kind,
        from_octant AS from_key,
        to_octant AS to_key,
        net_revenue
    FROM moves
    UNION ALL
    SELECT
        'segment' AS kind,
        from_segment AS from_key,
        to_segment AS to_key,
        net_revenue
    FROM moves
),

counted AS (
    SELECT
        kind,
        COALESCE(from_key, '(new)') AS from_key,
        COALESCE(to_key, '(left)') AS to_key,
        COUNT(*) AS customers,
        SUM(net_revenue) AS net_revenue
    FROM kinds
    GROUP BY kind, from_key, to_key
)

SELECT
    $dt AS dt,
    $dt - $rfm_compare_days AS compared_with,
    counted.kind,
    counted.from_key,
    counted.to_key,
    counted.customers,
    CAST(counted.net_revenue AS DECIMAL(18, 4)) AS net_revenue
FROM counted
CROSS JOIN is_comparable
WHERE is_comparable.is_comparable
