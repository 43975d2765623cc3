/* model
description: >
  The credit that each touch of an order line's transformed path gets in seven models: first, last, linear,
  position_based (40 / 20 / 40), time_decay, markov (by the removal effects of the day) and shapley (each distinct
  touchpoint of the path the same). Within a model and touchpoint_type the credits of a line sum to 1, and the money to
  exactly the money of the line. The models first and last have one row for each line. Do not add up the models: each
  of them distributes all sales.
grain: [order_id, line_no, model, touchpoint_type, position]
partition: dt
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  model: {type: VARCHAR, description: "first, last, linear, position_based, time_decay, markov or shapley"}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  position: {type: INTEGER, description: "place of the touch in the transformed path, from 1"}
  touch_event_id: {type: VARCHAR, description: event_id of the touch; null = the line has no touch}
  touchpoint: {type: VARCHAR, description: "as in attribution.touches; '(unattributed)' = the line has no touch"}
  campaign: {type: VARCHAR, description: utm_campaign of the touch; null = none}
  occurred_at: {type: TIMESTAMP, description: "time of the touch, UTC; null = the line has no touch"}
  credit: {type: DOUBLE, description: "share of the line, 0 to 1"}
  revenue_credit: {type: "DECIMAL(18,4)", description: "this share of the line's revenue, reporting currency"}
  net_revenue_credit: {type: "DECIMAL(18,4)", description: "this share of the line's revenue − refunds so far, reporting currency"}
  dt: {type: DATE, description: business day of payment}
*/
-- revenue and net_revenue are integers here: multiples of 0.0001, the last decimal of DECIMAL(18, 4).
WITH lines AS (
    SELECT
        order_id,
        line_no,
        CAST(FLOOR(CAST(revenue AS DECIMAL(24, 4)) * 10000) AS BIGINT) AS revenue,
        CAST(FLOOR(CAST(net_revenue AS DECIMAL(24, 4)) * 10000) AS BIGINT) AS net_revenue,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

models AS (
    SELECT
        model,
        touchpoint_type
    FROM attribution.touch_models
),

touches AS (
    SELECT
        path_id AS order_id,
        touchpoint_type,
        position,
        touch_event_id,
        touchpoint,
        campaign,
        occurred_at,
        COUNT(*) OVER (PARTITION BY path_id, touchpoint_type) AS path_length,
        COUNT(*) OVER (PARTITION BY path_id, touchpoint_type, touchpoint) AS repeats,
        MAX(occurred_at) OVER (PARTITION BY path_id, touchpoint_type) AS last_at,
        dt
    FROM attribution.path_touches
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind = 'order'
        AND position IS NOT NULL
),

effects AS (
    SELECT
        dt,
        touchpoint_type,
        touchpoint,
        removal_effect
    FROM attribution.removal_effects
    WHERE dt BETWEEN $from_dt AND $to_dt
),

-- Ages are measured from the path's last touch, whose weight is 1, so that the weights of an old path never sum to 0.
-- In markov and shapley a touchpoint has one weight in a path, which its touches share.
weighed AS (
    SELECT
        touches.*,
        models.model,
        CASE models.model
            WHEN 'time_decay'
                THEN POW(
                    2,
                    -CAST(DATE_DIFF('microsecond', touches.occurred_at, touches.last_at) AS DOUBLE)
                    / 86400000000 / $touch_half_life_days
                )
            WHEN 'position_based'
                THEN CASE
                    WHEN touches.path_length <= 2 THEN CAST(1 AS DOUBLE)
                    WHEN touches.position IN (1, touches.path_length) THEN CAST(0.4 AS DOUBLE)
                    ELSE CAST(0.2 AS DOUBLE) / NULLIF(touches.path_length - 2, 0)
                END
            WHEN 'markov' THEN effects.removal_effect / NULLIF(touches.repeats, 0)
            WHEN 'shapley' THEN CAST(1 AS DOUBLE) / NULLIF(touches.repeats, 0)
            ELSE CAST(1 AS DOUBLE)
        END AS weight
    FROM touches
    INNER JOIN models USING (touchpoint_type)
    LEFT JOIN effects USING (dt, touchpoint_type, touchpoint)
    WHERE
        (models.model <> 'first' OR touches.position = 1)
        AND (models.model <> 'last' OR touches.position = touches.path_length)
),

credited AS (
    SELECT
        weighed.* EXCLUDE (weight),
        weight / NULLIF(SUM(weight) OVER (PARTITION BY order_id, touchpoint_type, model), 0) AS credit
    FROM weighed
),

cumulated AS (
    SELECT
        credited.*,
        SUM(credit) OVER (
            PARTITION BY order_id, touchpoint_type, model
            ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS credit_until
    FROM credited
),

-- Each touch gets the money between the cumulative share before it and its own, so that the parts sum to the whole.
-- The shares are rounded to twelve decimals, so that errors of adding DOUBLEs do not change the result on any engine.
cuts AS (
    SELECT
        cumulated.*,
        CASE
            WHEN position = path_length THEN CAST(1 AS DOUBLE)
            ELSE FLOOR(credit_until * 1000000000000 + 0.5) / CAST(1000000000000 AS DOUBLE)
        END AS share_until
    FROM cumulated
),

shares AS (
    SELECT
        cuts.*,
        COALESCE(
            LAG(share_until) OVER (PARTITION BY order_id, touchpoint_type, model ORDER BY position), 0
        ) AS share_before
    FROM cuts
),

line_credits AS (
    SELECT
        lines.*,
        models.model,
        models.touchpoint_type,
        COALESCE(shares.position, 1) AS position,
        shares.touch_event_id,
        COALESCE(shares.touchpoint, '(unattributed)') AS touchpoint,
        shares.campaign,
        shares.occurred_at,
        CASE WHEN shares.position IS NULL THEN CAST(1 AS DOUBLE) ELSE shares.credit END AS credit,
        COALESCE(shares.share_before, 0) AS share_before,
        COALESCE(shares.share_until, 1) AS share_until
    FROM lines
    CROSS JOIN models
    LEFT JOIN shares
        ON
            shares.order_id = lines.order_id
            AND shares.touchpoint_type = models.touchpoint_type
            AND shares.model = models.model
),

-- A share of 1 takes the amount as it is, without multiplying: a DOUBLE cannot hold every large integer.
money_cuts AS (
    SELECT
        line_credits.* EXCLUDE (revenue, net_revenue, share_before, share_until),
        CASE
            WHEN share_before = 1 THEN revenue
            ELSE CAST(FLOOR(revenue * share_before + 0.5) AS BIGINT)
        END AS revenue_before,
        CASE
            WHEN share_until = 1 THEN revenue
            ELSE CAST(FLOOR(revenue * share_until + 0.5) AS BIGINT)
        END AS revenue_until,
        CASE
            WHEN share_before = 1 THEN net_revenue
            ELSE CAST(FLOOR(net_revenue * share_before + 0.5) AS BIGINT)
        END AS net_revenue_before,
        CASE
            WHEN share_until = 1 THEN net_revenue
            ELSE CAST(FLOOR(net_revenue * share_until + 0.5) AS BIGINT)
        END AS net_revenue_until
    FROM line_credits
)

SELECT
    money_cuts.* EXCLUDE (revenue_before, revenue_until, net_revenue_before, net_revenue_until),
    CAST((revenue_until - revenue_before) * 0.0001 AS DECIMAL(18, 4)) AS revenue_credit,
    CAST((net_revenue_until - net_revenue_before) * 0.0001 AS DECIMAL(18, 4)) AS net_revenue_credit
FROM money_cuts
