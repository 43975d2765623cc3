/* model
description: >
  The four laws of a healthy portfolio, of each matrix that has roles: crescent (stars and cash cows outweigh question
  marks and dogs), black_ball (there is a cash cow, or a star where the matrix has no cash cows), northeast (the
  revenue-weighted centre moves toward the star corner), speed (days from question mark to star and from star to cash
  cow, neither too few nor too many). Where a law cannot be judged its verdict is null and the evidence says why: that the
  log has no exposures, say, where a shop lands orders alone.
grain: [dt, window_days, matrix_id, rule]
partition: dt
as_of: true
reads: {products.quadrants: products_longest_window, products.quadrant_moves: products_too_slow_days}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: days of the window}
  matrix_id: {type: VARCHAR, description: matrix}
  rule: {type: VARCHAR, description: "crescent, black_ball, northeast or speed"}
  value: {type: DOUBLE, description: "crescent: share of the revenue with a role that stars and cash cows bring; black_ball: products; northeast: movement along the diagonal, in threshold units; speed: median days"}
  verdict: {type: VARCHAR, description: "good, warn or bad; null if it cannot be said"}
  evidence_zh: {type: VARCHAR, description: 依据}
  evidence_en: {type: VARCHAR, description: the evidence in a sentence}
*/
WITH roles AS (
    SELECT
        matrix_id,
        key,
        code,
        role
    FROM config.cells
    WHERE role IS NOT NULL
),

matrices AS (
    SELECT
        matrix_id,
        BOOL_OR(role = 'cash_cow') AS has_cash_cows,
        BOOL_OR(role = 'star') AS has_stars,
        -- Toward the stars: 1 where they are high, -1 where low, 0 where they are both; null without stars.
        AVG(CASE WHEN SUBSTRING(code, 1, 1) = '1' THEN 1 ELSE -1 END) FILTER (WHERE role = 'star') AS x_stars,
        AVG(CASE WHEN SUBSTRING(code, 2, 1) = '1' THEN 1 ELSE -1 END) FILTER (WHERE role = 'star') AS y_stars
    FROM roles
    GROUP BY matrix_id
),

directions AS (
    SELECT
        matrices.matrix_id,
        matrices.x_stars * MAX(CASE WHEN axes.is_low_high THEN -1 ELSE 1 END) FILTER (WHERE axes.axis = 'x') AS x_direction,
        matrices.y_stars * MAX(CASE WHEN axes.is_low_high THEN -1 ELSE 1 END) FILTER (WHERE axes.axis = 'y') AS y_direction
    FROM matrices
    INNER JOIN config.axes AS axes ON axes.matrix_id = matrices.matrix_id
    GROUP BY matrices.matrix_id, matrices.x_stars, matrices.y_stars
),

days AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        quadrant,
        x_distance,
        y_distance,
        CAST(revenue AS DOUBLE) AS revenue
    FROM products.quadrants
    WHERE dt BETWEEN $dt - $products_longest_window AND $dt
),

logged AS (
    SELECT
        dt,
        window_days,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(views) AS views,
        SUM(add_to_carts) AS add_to_carts
    FROM products.metrics
    WHERE dt = $dt
    GROUP BY dt, window_days
),

-- The first kind of event that an axis rests on and that the window's log does not have at all.
unlogged AS (
    SELECT
        logged.dt,
        logged.window_days,
        axes.matrix_id,
        MIN(
            CASE
                WHEN axes.metric IN ('exposures', 'click_through_rate') AND logged.exposures = 0 THEN 1
                WHEN axes.metric IN ('product_clicks', 'conversion_rate') AND logged.product_clicks = 0 THEN 2
                WHEN axes.metric = 'views' AND logged.views = 0 THEN 3
                WHEN axes.metric = 'add_to_carts' AND logged.add_to_carts = 0 THEN 4
            END
        ) AS kind
    FROM logged
    CROSS JOIN config.axes AS axes
    GROUP BY logged.dt, logged.window_days, axes.matrix_id
),

totals AS (
    SELECT
        days.dt,
        days.window_days,
        days.matrix_id,
        matrices.has_cash_cows,
        matrices.has_stars,
        COUNT(*) FILTER (WHERE roles.role IN ('star', 'cash_cow')) AS strong,
        COUNT(*) FILTER (WHERE roles.role IN ('question_mark', 'dog')) AS weak,
        COUNT(*) FILTER (WHERE roles.role = 'star') AS stars,
        COUNT(*) FILTER (WHERE roles.role = 'cash_cow') AS cash_cows,
        COUNT(*) FILTER (WHERE days.quadrant <> 'unknown') AS known,
        COALESCE(SUM(days.revenue) FILTER (WHERE roles.role IN ('star', 'cash_cow')), 0) AS strong_revenue,
        COALESCE(SUM(days.revenue) FILTER (WHERE roles.role IN ('question_mark', 'dog')), 0) AS weak_revenue,
        SUM(days.revenue * days.x_distance) FILTER (WHERE days.y_distance IS NOT NULL)
        / NULLIF(SUM(days.revenue) FILTER (WHERE days.x_distance IS NOT NULL AND days.y_distance IS NOT NULL), 0) AS x_centre,
        SUM(days.revenue * days.y_distance) FILTER (WHERE days.x_distance IS NOT NULL)
        / NULLIF(SUM(days.revenue) FILTER (WHERE days.x_distance IS NOT NULL AND days.y_distance IS NOT NULL), 0) AS y_centre
    FROM days
    INNER JOIN matrices ON matrices.matrix_id = days.matrix_id
    LEFT JOIN roles
        ON
            roles.matrix_id = days.matrix_id
            AND roles.key = days.quadrant
    GROUP BY days.dt, days.window_days, days.matrix_id, matrices.has_cash_cows, matrices.has_stars
),

-- Rounded: the last digits of a sum depend on the order of adding, and no verdict must.
movements AS (
    SELECT
        now.dt,
        now.window_days,
        now.matrix_id,
        now.has_stars,
        now.x_centre + now.y_centre IS NOT NULL AS is_known_now,
        before.dt IS NOT NULL AS has_before,
        FLOOR(1000000000 * directions.x_direction * (now.x_centre - before.x_centre) + 0.5) / 1000000000 AS x_movement,
        FLOOR(1000000000 * directions.y_direction * (now.y_centre - before.y_centre) + 0.5) / 1000000000 AS y_movement
    FROM totals AS now
    INNER JOIN directions ON directions.matrix_id = now.matrix_id
    LEFT JOIN totals AS before
        ON
            before.dt = now.dt - now.window_days
            AND before.window_days = now.window_days
            AND before.matrix_id = now.matrix_id
    WHERE now.dt = $dt
),

steps_up AS (
    SELECT
        moves.dt,
        moves.window_days,
        moves.matrix_id,
        moves.days_stayed
    FROM products.quadrant_moves AS moves
    INNER JOIN roles AS came
        ON
            came.matrix_id = moves.matrix_id
            AND came.key = moves.from_quadrant
    INNER JOIN roles AS went
        ON
            went.matrix_id = moves.matrix_id
            AND went.key = moves.to_quadrant
    WHERE
        moves.dt BETWEEN $dt - $products_too_slow_days AND $dt
        AND (
            (came.role = 'question_mark' AND went.role = 'star')
            OR (came.role = 'star' AND went.role = 'cash_cow')
        )
),

speeds AS (
    SELECT
        totals.dt,
        totals.window_days,
        totals.matrix_id,
        COUNT(*) AS steps_up,
        MEDIAN(CAST(steps_up.days_stayed AS DOUBLE)) AS days
    FROM totals
    INNER JOIN steps_up
        ON
            steps_up.window_days = totals.window_days
            AND steps_up.matrix_id = totals.matrix_id
            AND steps_up.dt > totals.dt - $products_too_slow_days
            AND steps_up.dt <= totals.dt
    WHERE totals.dt = $dt
    GROUP BY totals.dt, totals.window_days, totals.matrix_id
),

crescent AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        'crescent' AS rule,
        strong_revenue / NULLIF(strong_revenue + weak_revenue, 0) AS value,
        CASE
            WHEN strong + weak = 0 THEN NULL
            WHEN strong > weak AND strong_revenue > weak_revenue THEN 'good'
            WHEN strong > weak OR strong_revenue > weak_revenue THEN 'warn'
            ELSE 'bad'
        END AS verdict,
        CASE
            WHEN strong + weak = 0 THEN '没有可判断的产品'
            ELSE '强势产品 ' || CAST(strong AS VARCHAR) || ' 个，弱势产品 ' || CAST(weak AS VARCHAR) || ' 个；'
                || COALESCE(
                    '强势产品贡献这些产品收入的 '
                    || CAST(CAST(ROUND(100 * strong_revenue / NULLIF(strong_revenue + weak_revenue, 0)) AS INTEGER) AS VARCHAR)
                    || '%', '这些产品没有收入'
                )
        END AS evidence_zh,
        CASE
            WHEN strong + weak = 0 THEN 'No product can be judged'
            ELSE 'Strong products: ' || CAST(strong AS VARCHAR) || ', weak ones: ' || CAST(weak AS VARCHAR) || '; '
                || COALESCE(
                    'of their revenue the strong bring '
                    || CAST(CAST(ROUND(100 * strong_revenue / NULLIF(strong_revenue + weak_revenue, 0)) AS INTEGER) AS VARCHAR)
                    || '%', 'they brought no revenue'
                )
        END AS evidence_en
    FROM totals
    WHERE dt = $dt
),

black_ball AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        'black_ball' AS rule,
        CAST(CASE WHEN known = 0 THEN NULL WHEN has_cash_cows THEN cash_cows WHEN has_stars THEN stars END AS DOUBLE) AS value,
        CASE
            WHEN known = 0 OR NOT (has_cash_cows OR has_stars) THEN NULL
            WHEN CASE WHEN has_cash_cows THEN cash_cows ELSE stars END > 0 THEN 'good'
            ELSE 'bad'
        END AS verdict,
        CASE
            WHEN NOT (has_cash_cows OR has_stars) THEN '此矩阵没有明星或金牛象限'
            WHEN known = 0 THEN '没有可判断的产品'
            WHEN has_cash_cows THEN '金牛产品 ' || CAST(cash_cows AS VARCHAR) || ' 个'
            ELSE '明星产品 ' || CAST(stars AS VARCHAR) || ' 个'
        END AS evidence_zh,
        CASE
            WHEN NOT (has_cash_cows OR has_stars) THEN 'No quadrant of this matrix has the role star or cash_cow'
            WHEN known = 0 THEN 'No product can be judged'
            WHEN has_cash_cows THEN 'Cash cows: ' || CAST(cash_cows AS VARCHAR)
            ELSE 'Stars: ' || CAST(stars AS VARCHAR)
        END AS evidence_en
    FROM totals
    WHERE dt = $dt
),

northeast AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        'northeast' AS rule,
        (x_movement + y_movement) * SQRT(0.5) AS value,
        CASE
            WHEN x_movement + y_movement IS NULL THEN NULL
            WHEN x_movement >= 0 AND y_movement >= 0 AND x_movement + y_movement > 0 THEN 'good'
            WHEN x_movement + y_movement >= 0 THEN 'warn'
            ELSE 'bad'
        END AS verdict,
        CASE
            WHEN NOT has_stars THEN '此矩阵没有明星象限'
            WHEN NOT is_known_now THEN '有收入的产品都没有完整位置，或某个阈值为 0，无法求重心'
            WHEN NOT has_before THEN '没有可比较的上一期'
            WHEN x_movement + y_movement IS NULL THEN '上一期有收入的产品都没有完整位置，或某个阈值为 0，无法求重心'
            ELSE '收入加权重心：横轴移动 ' || CAST(CAST(ROUND(100 * x_movement) AS BIGINT) AS VARCHAR) || '%，纵轴移动 '
                || CAST(CAST(ROUND(100 * y_movement) AS BIGINT) AS VARCHAR) || '%（以阈值为单位，正数朝向明星角）'
        END AS evidence_zh,
        CASE
            WHEN NOT has_stars THEN 'No quadrant of this matrix has the role star'
            WHEN NOT is_known_now
                THEN 'No product with revenue has a place on both axes, or a threshold is 0: there is no centre'
            WHEN NOT has_before THEN 'There is no earlier period to compare with'
            WHEN x_movement + y_movement IS NULL
                THEN 'No product with revenue had a place on both axes in the earlier period, or a threshold was 0'
            ELSE 'The revenue-weighted centre moved by ' || CAST(CAST(ROUND(100 * x_movement) AS BIGINT) AS VARCHAR)
                || '% of the threshold along x and ' || CAST(CAST(ROUND(100 * y_movement) AS BIGINT) AS VARCHAR)
                || '% along y (positive: toward the stars)'
        END AS evidence_en
    FROM movements
),

speed AS (
    SELECT
        totals.dt,
        totals.window_days,
        totals.matrix_id,
        'speed' AS rule,
        speeds.days AS value,
        CASE
            WHEN speeds.days IS NULL THEN NULL
            WHEN speeds.days < $products_too_fast_days OR speeds.days > $products_too_slow_days THEN 'warn'
            ELSE 'good'
        END AS verdict,
        CASE
            WHEN speeds.days IS NULL THEN '近期没有产品升级（问题到明星、明星到金牛）'
            ELSE CAST(speeds.steps_up AS VARCHAR) || ' 次升级，升级前停留天数中位数 '
                || CAST(CAST(FLOOR(speeds.days) AS INTEGER) AS VARCHAR)
                || CASE WHEN speeds.days > FLOOR(speeds.days) THEN '.5' ELSE '' END || ' 天（合适：'
                || CAST($products_too_fast_days AS VARCHAR) || ' 至 ' || CAST($products_too_slow_days AS VARCHAR) || ' 天）'
        END AS evidence_zh,
        CASE
            WHEN speeds.days IS NULL
                THEN 'No product moved up lately (from question mark to star, or from star to cash cow)'
            ELSE 'Moves up: ' || CAST(speeds.steps_up AS VARCHAR) || '; median days in the quadrant before: '
                || CAST(CAST(FLOOR(speeds.days) AS INTEGER) AS VARCHAR)
                || CASE WHEN speeds.days > FLOOR(speeds.days) THEN '.5' ELSE '' END || ' (good: '
                || CAST($products_too_fast_days AS VARCHAR) || ' to ' || CAST($products_too_slow_days AS VARCHAR) || ')'
        END AS evidence_en
    FROM totals
    LEFT JOIN speeds
        ON
            speeds.dt = totals.dt
            AND speeds.window_days = totals.window_days
            AND speeds.matrix_id = totals.matrix_id
    WHERE totals.dt = $dt
),

laws AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        rule,
        value,
        verdict,
        evidence_zh,
        evidence_en
    FROM crescent
    UNION ALL
    SELECT
        dt,
        window_days,
        matrix_id,
        rule,
        value,
        verdict,
        evidence_zh,
        evidence_en
    FROM black_ball
    UNION ALL
    SELECT
        dt,
        window_days,
        matrix_id,
        rule,
        value,
        verdict,
        evidence_zh,
        evidence_en
    FROM northeast
    UNION ALL
    SELECT
        dt,
        window_days,
        matrix_id,
        rule,
        value,
        verdict,
        evidence_zh,
        evidence_en
    FROM speed
)

SELECT
    laws.dt,
    laws.window_days,
    laws.matrix_id,
    laws.rule,
    laws.value,
    laws.verdict,
    CASE
        WHEN laws.verdict IS NULL AND unlogged.kind = 1 THEN '日志中没有商品曝光'
        WHEN laws.verdict IS NULL AND unlogged.kind = 2 THEN '日志中没有商品点击'
        WHEN laws.verdict IS NULL AND unlogged.kind = 3 THEN '日志中没有商品页浏览'
        WHEN laws.verdict IS NULL AND unlogged.kind = 4 THEN '日志中没有加购'
        ELSE laws.evidence_zh
    END AS evidence_zh,
    CASE
        WHEN laws.verdict IS NULL AND unlogged.kind = 1 THEN 'No exposures in the log'
        WHEN laws.verdict IS NULL AND unlogged.kind = 2 THEN 'No product clicks in the log'
        WHEN laws.verdict IS NULL AND unlogged.kind = 3 THEN 'No views of product pages in the log'
        WHEN laws.verdict IS NULL AND unlogged.kind = 4 THEN 'No add-to-carts in the log'
        ELSE laws.evidence_en
    END AS evidence_en
FROM laws
LEFT JOIN unlogged
    ON
        unlogged.dt = laws.dt
        AND unlogged.window_days = laws.window_days
        AND unlogged.matrix_id = laws.matrix_id
