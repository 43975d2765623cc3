/* model
description: >
  The credit that each touch of an order line's transformed path gets in seven models: first, last, linear,
  position_based (40 / 20 / 40), time_decay, markov (by the removal effects of the day) and shapley (each distinct
  touchpoint of the path the same). Within a model and touchpoint_type the credits of a line sum to 1, and the money to
  exactly the money of the line. The models first and last have one row for each line. Do not add up the models: each
  of them distributes all sales.
grain: [order_id, line_no, model, touchpoint_type, position]
partition: dt
detail: true
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

types AS (
    SELECT DISTINCT touchpoint_type FROM models
),

paths AS (
    SELECT
        path_id AS order_id,
        touchpoint_type,
        remaining,
        path_length,
        ROW_NUMBER() OVER (ORDER BY dt, path_id, touchpoint_type) AS path_no
    FROM attribution.paths
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind = 'order'
        AND path_length > 0
),

touches AS (
    SELECT
        touches.order_id,
        touches.touchpoint_type,
        touches.touch_event_id,
        touches.touchpoint,
        touches.campaign,
        touches.occurred_at,
        touches.dt,
        paths.path_no,
        paths.path_length,
        LEFT(paths.remaining, touches.touch_no) AS remaining_so_far
    FROM attribution.order_touches AS touches
    INNER JOIN paths USING (order_id, touchpoint_type)
    WHERE touches.dt BETWEEN $from_dt AND $to_dt
),

kept AS (
    SELECT
        touches.* EXCLUDE (remaining_so_far),
        CAST(LENGTH(REPLACE(remaining_so_far, '0', '')) AS INTEGER) AS position
    FROM touches
    WHERE RIGHT(remaining_so_far, 1) = '1'
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
compared AS (
    SELECT
        kept.*,
        effects.removal_effect,
        COUNT(*) OVER (PARTITION BY path_no, touchpoint) AS repeats,
        DATE_DIFF('microsecond', occurred_at, MAX(occurred_at) OVER (PARTITION BY path_no))
        / CAST(86400000000 AS DOUBLE) AS age_days
    FROM kept
    LEFT JOIN effects USING (dt, touchpoint_type, touchpoint)
),

-- In markov and shapley a touchpoint has one weight in a path, which its touches share.
weighed AS (
    SELECT
        compared.* EXCLUDE (removal_effect, repeats, age_days),
        POW(2, -age_days / $touch_half_life_days) AS time_decay,
        removal_effect / NULLIF(repeats, 0) AS markov,
        CAST(1 AS DOUBLE) / NULLIF(repeats, 0) AS shapley
    FROM compared
),

credited AS (
    SELECT
        weighed.* EXCLUDE (time_decay, markov, shapley),
        time_decay / NULLIF(SUM(time_decay) OVER path, 0) AS time_decay,
        markov / NULLIF(SUM(markov) OVER path, 0) AS markov,
        shapley / NULLIF(SUM(shapley) OVER path, 0) AS shapley
    FROM weighed
    WINDOW path AS (PARTITION BY path_no)
),

cumulated AS (
    SELECT
        credited.*,
        SUM(time_decay) OVER so_far AS time_decay_until,
        SUM(markov) OVER so_far AS markov_until,
        SUM(shapley) OVER so_far AS shapley_until
    FROM credited
    WINDOW so_far AS (PARTITION BY path_no ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),

between_touches AS (
    SELECT
        cumulated.*,
        LAG(time_decay_until, 1, CAST(0 AS DOUBLE)) OVER so_far AS time_decay_before,
        LAG(markov_until, 1, CAST(0 AS DOUBLE)) OVER so_far AS markov_before,
        LAG(shapley_until, 1, CAST(0 AS DOUBLE)) OVER so_far AS shapley_before
    FROM cumulated
    WINDOW so_far AS (PARTITION BY path_no ORDER BY position)
),

-- A line without a touch has one row, which stands for a path with one touch.
line_touches AS (
    SELECT
        lines.*,
        types.touchpoint_type,
        touches.touch_event_id,
        COALESCE(touches.touchpoint, '(unattributed)') AS touchpoint,
        touches.campaign,
        touches.occurred_at,
        COALESCE(touches.position, 1) AS position,
        COALESCE(touches.path_length, 1) AS path_length,
        CASE WHEN touches.position IS NULL THEN 1 ELSE touches.time_decay END AS time_decay,
        CASE WHEN touches.position IS NULL THEN 1 ELSE touches.markov END AS markov,
        CASE WHEN touches.position IS NULL THEN 1 ELSE touches.shapley END AS shapley,
        touches.time_decay_before,
        touches.markov_before,
        touches.shapley_before,
        touches.time_decay_until,
        touches.markov_until,
        touches.shapley_until
    FROM lines
    CROSS JOIN types
    LEFT JOIN between_touches AS touches
        ON
            touches.order_id = lines.order_id
            AND touches.touchpoint_type = types.touchpoint_type
),

-- The models first and last give the whole line to one touch.
cuts AS (
    SELECT
        models.model,
        touches.* EXCLUDE (
            time_decay, markov, shapley, time_decay_before, markov_before, shapley_before, time_decay_until, markov_until,
            shapley_until
        ),
        CASE models.model
            WHEN 'linear' THEN CAST(1 AS DOUBLE) / NULLIF(path_length, 0)
            WHEN 'position_based' THEN CASE
                WHEN path_length <= 2 THEN CAST(1 AS DOUBLE) / NULLIF(path_length, 0)
                WHEN position IN (1, path_length) THEN CAST(0.4 AS DOUBLE)
                ELSE CAST(0.2 AS DOUBLE) / NULLIF(path_length - 2, 0)
            END
            WHEN 'time_decay' THEN time_decay
            WHEN 'markov' THEN markov
            WHEN 'shapley' THEN shapley
            ELSE CAST(1 AS DOUBLE)
        END AS credit,
        CASE models.model
            WHEN 'linear' THEN CAST(position - 1 AS DOUBLE) / NULLIF(path_length, 0)
            WHEN 'position_based' THEN CASE
                WHEN path_length <= 2 THEN CAST(position - 1 AS DOUBLE) / NULLIF(path_length, 0)
                WHEN position = 1 THEN CAST(0 AS DOUBLE)
                ELSE CAST(0.4 AS DOUBLE) + CAST(0.2 AS DOUBLE) * (position - 2) / NULLIF(path_length - 2, 0)
            END
            WHEN 'time_decay' THEN time_decay_before
            WHEN 'markov' THEN markov_before
            WHEN 'shapley' THEN shapley_before
            ELSE CAST(0 AS DOUBLE)
        END AS credit_before,
        CASE models.model
            WHEN 'linear' THEN CAST(position AS DOUBLE) / NULLIF(path_length, 0)
            WHEN 'position_based' THEN CASE
                WHEN path_length <= 2 THEN CAST(position AS DOUBLE) / NULLIF(path_length, 0)
                ELSE CAST(0.4 AS DOUBLE) + CAST(0.2 AS DOUBLE) * (position - 1) / NULLIF(path_length - 2, 0)
            END
            WHEN 'time_decay' THEN time_decay_until
            WHEN 'markov' THEN markov_until
            WHEN 'shapley' THEN shapley_until
            ELSE CAST(1 AS DOUBLE)
        END AS credit_until
    FROM line_touches AS touches
    INNER JOIN models USING (touchpoint_type)
    WHERE
        (models.model <> 'first' OR touches.position = 1)
        AND (models.model <> 'last' OR touches.position = touches.path_length)
),

-- Each touch gets the money between the cumulative share before it and its own, so that the parts sum to the whole.
-- The shares are rounded to twelve decimals, so that errors of adding DOUBLEs do not change the result on any engine.
shares AS (
    SELECT
        cuts.* EXCLUDE (path_length, credit_before, credit_until),
        COALESCE(FLOOR(credit_before * 1000000000000 + 0.5) / CAST(1000000000000 AS DOUBLE), 0) AS share_before,
        CASE
            WHEN position = path_length THEN CAST(1 AS DOUBLE)
            ELSE COALESCE(FLOOR(credit_until * 1000000000000 + 0.5) / CAST(1000000000000 AS DOUBLE), 1)
        END AS share_until
    FROM cuts
),

-- A share of 1 takes the amount as it is, without multiplying: a DOUBLE cannot hold every large integer.
money_cuts AS (
    SELECT
        shares.* EXCLUDE (revenue, net_revenue, share_before, share_until),
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
    FROM shares
)

SELECT
    money_cuts.* EXCLUDE (revenue_before, revenue_until, net_revenue_before, net_revenue_until),
    CAST((revenue_until - revenue_before) * 0.0001 AS DECIMAL(18, 4)) AS revenue_credit,
    CAST((net_revenue_until - net_revenue_before) * 0.0001 AS DECIMAL(18, 4)) AS net_revenue_credit
FROM money_cuts
