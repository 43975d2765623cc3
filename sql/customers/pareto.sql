/* model
description: >
  How much of the window's money each tenth of the products (by margin) and of the customers (by net revenue) brings.
  A product includes its variants. Lines whose cost is unknown count for their customer but for no product.
grain: [dt, kind, decile]
partition: dt
as_of: true
reads: {core.order_lines: rfm_window_days - 1, core.refunds: rfm_window_days - 1}
columns:
  dt: {type: DATE, description: last business day of the window}
  kind: {type: VARCHAR, description: "product (ranked by margin) or customer (ranked by net revenue)"}
  decile: {type: INTEGER, description: "1 = the best tenth of the members; members with equal values are ordered by their key"}
  members: {type: BIGINT, description: products or customers in the decile}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ revenue − refunds made by dt, reporting currency"}
  margin: {type: "DECIMAL(18,4)", description: "Σ margin of the lines whose cost is known, reporting currency; null if there is no such line"}
  cumulative_members: {type: DOUBLE, description: share of all members that are in this decile or a better one}
  cumulative_share: {type: DOUBLE, description: share of the margin (products) or net revenue (customers) that these members bring; null unless the total is above 0}
*/
WITH refunds AS (
    SELECT
        order_id,
        line_no,
        SUM(amount) AS amount
    FROM core.refunds
    WHERE dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
    GROUP BY order_id, line_no
),

lines AS (
    SELECT
        sold.user_id,
        sold.product_id,
        sold.revenue - COALESCE(refunds.amount, 0) AS net_revenue,
        sold.revenue - COALESCE(refunds.amount, 0) - sold.cost AS margin
    FROM core.order_lines AS sold
    LEFT JOIN refunds USING (order_id, line_no)
    WHERE sold.dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
),

members AS (
    SELECT
        'product' AS kind,
        product_id AS member,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin,
        SUM(margin) AS measure
    FROM lines
    WHERE margin IS NOT NULL
    GROUP BY product_id
    UNION ALL
    SELECT
        'customer' AS kind,
        user_id AS member,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin,
        SUM(net_revenue) AS measure
    FROM lines
    WHERE user_id IS NOT NULL
    GROUP BY user_id
),

ranked AS (
    SELECT
        members.*,
        ROW_NUMBER() OVER (PARTITION BY kind ORDER BY measure DESC NULLS LAST, member) AS place,
        COUNT(*) OVER (PARTITION BY kind) AS places
    FROM members
),

deciles AS (
    SELECT
        kind,
        1 + CAST(FLOOR(CAST(10 * (place - 1) AS DOUBLE) / NULLIF(places, 0)) AS INTEGER) AS decile,
        COUNT(*) AS members,
        SUM(net_revenue) AS net_revenue,
        SUM(margin) AS margin,
        SUM(measure) AS measure
    FROM ranked
    GROUP BY kind, decile
),

accumulated AS (
    SELECT
        deciles.*,
        SUM(members) OVER (PARTITION BY kind ORDER BY decile) AS members_so_far,
        SUM(members) OVER (PARTITION BY kind) AS all_members,
        SUM(measure) OVER (PARTITION BY kind ORDER BY decile) AS measure_so_far,
        SUM(measure) OVER (PARTITION BY kind) AS whole_measure
    FROM deciles
)

SELECT
    $dt AS dt,
    kind,
    decile,
    members,
    CAST(net_revenue AS DECIMAL(18, 4)) AS net_revenue,
    CAST(margin AS DECIMAL(18, 4)) AS margin,
    CAST(members_so_far AS DOUBLE) / NULLIF(all_members, 0) AS cumulative_members,
    CASE
        WHEN whole_measure > 0
            THEN CAST(measure_so_far AS DOUBLE) / NULLIF(CAST(whole_measure AS DOUBLE), 0)
    END AS cumulative_share
FROM accumulated
