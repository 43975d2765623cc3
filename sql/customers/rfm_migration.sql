/* model
description: >
  Customers by the octant and segment that they were in compare_days ago and are in now. There are no rows if no
  snapshot of the earlier day exists.
grain: [dt, kind, from_key, to_key]
partition: dt
as_of: true
reads: {customers.rfm: rfm_compare_days}
columns:
  dt: {type: DATE, description: business day; to_key describes its end}
  compared_with: {type: DATE, description: "the earlier day: dt − compare_days (setting rfm)"}
  kind: {type: VARCHAR, description: octant or segment}
  from_key: {type: VARCHAR, description: key on the earlier day; (new) = no paid order in the window of that day}
  to_key: {type: VARCHAR, description: key on dt; (left) = no paid order in the window of dt}
  customers: {type: BIGINT, description: "customers that changed from from_key to to_key, or stayed"}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ their net revenue as of dt, for (left) as of the earlier day; reporting currency"}
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
