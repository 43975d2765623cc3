/* model
description: >
  The four laws of a healthy portfolio, for each matrix whose cells have roles. crescent: stars and cash cows outweigh
  question marks and dogs. black_ball: there is a cash cow, or a star if the matrix has no cash cows. northeast: the
  revenue-weighted centre moves toward the star corner. speed: the days from question mark to star and from star to
  cash cow are neither too few nor too many. If a law cannot be evaluated, the verdict is null and the evidence gives
  the reason, for example that the log has no exposures because the shop lands only orders.
grain: [dt, window_days, matrix_id, rule]
partition: dt
as_of: true
reads: {products.quadrants: products_longest_window, products.quadrant_moves: products_too_slow_days - 1}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  matrix_id: {type: VARCHAR, description: key of the matrix in config/matrices.yaml}
  rule: {type: VARCHAR, description: "crescent, black_ball, northeast or speed"}
  value: {type: DOUBLE, description: "crescent: share of stars and cash cows in the revenue of products with a role; black_ball: number of cash cows, or of stars if the matrix has no cash cows; northeast: movement along the diagonal, in multiples of the thresholds; speed: median days in the quadrant before a move up"}
  verdict: {type: VARCHAR, description: "good, warn or bad; null = cannot be evaluated"}
  evidence_zh: {type: VARCHAR, description: the evidence as a Chinese sentence}
  evidence_en: {type: VARCHAR, description: the evidence as an English sentence}
*/
WITH matrices AS (
    SELECT
        matrix_id,
        BOOL_OR(cells.role = 'cash_cow') AS has_cash_cows,
        BOOL_OR(cells.role = 'star') AS has_stars,
        -- Where the star cells are on each axis: 1 at the large values, -1 at the small ones, 0 at both; null: no stars.
        AVG(CASE WHEN (SUBSTRING(cells.code, 1, 1) = '1') <> x.is_low_high THEN 1 ELSE -1 END)
            FILTER (WHERE cells.role = 'star') AS x_direction,
        AVG(CASE WHEN (SUBSTRING(cells.code, 2, 1) = '1') <> y.is_low_high THEN 1 ELSE -1 END)
            FILTER (WHERE cells.role = 'star') AS y_direction
    FROM config.cells
    INNER JOIN config.axes AS x USING (matrix_id)
    INNER JOIN config.axes AS y USING (matrix_id)
    WHERE
        x.axis = 'x'
        AND y.axis = 'y'
        AND cells.role IS NOT NULL
    GROUP BY matrix_id
),

placed AS (
    SELECT
        quadrants.dt,
        quadrants.window_days,
        quadrants.matrix_id,
        quadrants.quadrant,
        quadrants.x_distance,
        quadrants.y_distance,
        cells.role,
        CAST(quadrants.revenue AS DOUBLE) AS revenue,
        CASE
            WHEN quadrants.x_distance IS NOT NULL AND quadrants.y_distance IS NOT NULL
                THEN CAST(quadrants.revenue AS DOUBLE)
        END AS weight
    FROM products.quadrants AS quadrants
    LEFT JOIN config.cells
        ON
            cells.matrix_id = quadrants.matrix_id
            AND cells.key = quadrants.quadrant
    WHERE quadrants.dt BETWEEN $dt - $products_longest_window AND $dt
),

totals AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        COUNT(*) FILTER (WHERE role IN ('star', 'cash_cow')) AS strong,
        COUNT(*) FILTER (WHERE role IN ('question_mark', 'dog')) AS weak,
        COUNT(*) FILTER (WHERE role = 'star') AS stars,
        COUNT(*) FILTER (WHERE role = 'cash_cow') AS cash_cows,
        COUNT(*) FILTER (WHERE quadrant <> 'unknown') AS known,
        COALESCE(SUM(revenue) FILTER (WHERE role IN ('star', 'cash_cow')), 0) AS strong_revenue,
        COALESCE(SUM(revenue) FILTER (WHERE role IN ('question_mark', 'dog')), 0) AS weak_revenue,
        SUM(weight * x_distance) / NULLIF(SUM(weight), 0) AS x_centre,
        SUM(weight * y_distance) / NULLIF(SUM(weight), 0) AS y_centre
    FROM placed
    GROUP BY dt, window_days, matrix_id
),

steps_up AS (
    SELECT
        moves.window_days,
        moves.matrix_id,
        COUNT(*) AS steps,
        MEDIAN(CAST(moves.days_stayed AS DOUBLE)) AS days
    FROM products.quadrant_moves AS moves
    INNER JOIN config.cells AS came
        ON
            came.matrix_id = moves.matrix_id
            AND came.key = moves.from_quadrant
    INNER JOIN config.cells AS went
        ON
            went.matrix_id = moves.matrix_id
            AND went.key = moves.to_quadrant
    WHERE
        moves.dt BETWEEN $dt - ($products_too_slow_days - 1) AND $dt
        AND came.role || ' to ' || went.role IN ('question_mark to star', 'star to cash_cow')
    GROUP BY moves.window_days, moves.matrix_id
),

-- Movements are rounded: the last digits of a sum depend on the order of adding, and a verdict must not.
judged AS (
    SELECT
        totals.* EXCLUDE (dt),
        matrices.has_cash_cows,
        matrices.has_stars,
        before.dt IS NOT NULL AS has_before,
        FLOOR(1000000000 * matrices.x_direction * (totals.x_centre - before.x_centre) + 0.5) / 1000000000 AS x_movement,
        FLOOR(1000000000 * matrices.y_direction * (totals.y_centre - before.y_centre) + 0.5) / 1000000000 AS y_movement,
        steps_up.steps,
        steps_up.days
    FROM totals
    INNER JOIN matrices ON matrices.matrix_id = totals.matrix_id
    LEFT JOIN totals AS before
        ON
            before.dt = totals.dt - totals.window_days
            AND before.window_days = totals.window_days
            AND before.matrix_id = totals.matrix_id
    LEFT JOIN steps_up
        ON
            steps_up.window_days = totals.window_days
            AND steps_up.matrix_id = totals.matrix_id
    WHERE totals.dt = $dt
),

portfolios AS (
    SELECT
        judged.*,
        CAST(CAST(ROUND(100 * strong_revenue / NULLIF(strong_revenue + weak_revenue, 0)) AS INTEGER) AS VARCHAR) AS percent,
        REPLACE(CAST(CAST(ROUND(100 * x_movement) AS BIGINT) AS VARCHAR), '-', '−') AS x_percent,
        REPLACE(CAST(CAST(ROUND(100 * y_movement) AS BIGINT) AS VARCHAR), '-', '−') AS y_percent,
        CAST(CAST(FLOOR(days) AS INTEGER) AS VARCHAR) || CASE WHEN days > FLOOR(days) THEN '.5' ELSE '' END AS days_said
    FROM judged
),

crescent AS (
    SELECT
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
                || COALESCE('强势产品贡献这些产品收入的 ' || percent || '%', '这些产品没有收入')
        END AS evidence_zh,
        CASE
            WHEN strong + weak = 0 THEN 'No product can be judged'
            ELSE 'Strong products: ' || CAST(strong AS VARCHAR) || ', weak ones: ' || CAST(weak AS VARCHAR) || '; '
                || COALESCE('of their revenue the strong bring ' || percent || '%', 'they brought no revenue')
        END AS evidence_en
    FROM portfolios
),

black_ball AS (
    SELECT
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
    FROM portfolios
),

northeast AS (
    SELECT
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
            WHEN x_centre + y_centre IS NULL THEN '有收入的产品都没有完整位置，或某个阈值为 0，无法求重心'
            WHEN NOT has_before THEN '没有可比较的上一期'
            WHEN x_movement + y_movement IS NULL THEN '上一期有收入的产品都没有完整位置，或某个阈值为 0，无法求重心'
            ELSE '收入加权重心：横轴移动 ' || x_percent || '%，纵轴移动 ' || y_percent || '%（以阈值为单位，正数朝向明星角）'
        END AS evidence_zh,
        CASE
            WHEN NOT has_stars THEN 'No quadrant of this matrix has the role star'
            WHEN x_centre + y_centre IS NULL
                THEN 'No product with revenue has a place on both axes, or a threshold is 0: there is no centre'
            WHEN NOT has_before THEN 'There is no earlier period to compare with'
            WHEN x_movement + y_movement IS NULL
                THEN 'No product with revenue had a place on both axes in the earlier period, or a threshold was 0'
            ELSE 'The revenue-weighted centre moved by ' || x_percent || '% of the threshold along x and ' || y_percent
                || '% along y (positive: toward the stars)'
        END AS evidence_en
    FROM portfolios
),

speed AS (
    SELECT
        window_days,
        matrix_id,
        'speed' AS rule,
        days AS value,
        CASE
            WHEN days IS NULL THEN NULL
            WHEN days BETWEEN $products_too_fast_days AND $products_too_slow_days THEN 'good'
            ELSE 'warn'
        END AS verdict,
        CASE
            WHEN days IS NULL THEN '近期没有产品升级（问题到明星、明星到金牛）'
            ELSE CAST(steps AS VARCHAR) || ' 次升级，升级前停留天数中位数 ' || days_said || ' 天（合适：'
                || CAST($products_too_fast_days AS VARCHAR) || ' 至 ' || CAST($products_too_slow_days AS VARCHAR) || ' 天）'
        END AS evidence_zh,
        CASE
            WHEN days IS NULL
                THEN 'No product moved up lately (from question mark to star, or from star to cash cow)'
            ELSE 'Moves up: ' || CAST(steps AS VARCHAR) || '; median days in the quadrant before: ' || days_said || ' (good: '
                || CAST($products_too_fast_days AS VARCHAR) || ' to ' || CAST($products_too_slow_days AS VARCHAR) || ')'
        END AS evidence_en
    FROM portfolios
),

laws AS (
    SELECT * FROM crescent
    UNION ALL
    SELECT * FROM black_ball
    UNION ALL
    SELECT * FROM northeast
    UNION ALL
    SELECT * FROM speed
),

logged AS (
    SELECT
        window_days,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(views) AS views,
        SUM(add_to_carts) AS add_to_carts
    FROM products.metrics
    WHERE dt = $dt
    GROUP BY window_days
),

-- The first kind of event that an axis needs and that the log does not have in the whole window.
unlogged AS (
    SELECT
        logged.window_days,
        axes.matrix_id,
        MIN(
            CASE
                WHEN axes.metric IN ('exposures', 'click_through_rate') AND logged.exposures = 0
                    THEN STRUCT_PACK(place := 1, zh := '日志中没有商品曝光', en := 'No exposures in the log')
                WHEN axes.metric IN ('product_clicks', 'conversion_rate') AND logged.product_clicks = 0
                    THEN STRUCT_PACK(place := 2, zh := '日志中没有商品点击', en := 'No product clicks in the log')
                WHEN axes.metric = 'views' AND logged.views = 0
                    THEN STRUCT_PACK(place := 3, zh := '日志中没有商品页浏览', en := 'No views of product pages in the log')
                WHEN axes.metric = 'add_to_carts' AND logged.add_to_carts = 0
                    THEN STRUCT_PACK(place := 4, zh := '日志中没有加购', en := 'No add-to-carts in the log')
            END
        ) AS evidence
    FROM logged
    CROSS JOIN config.axes AS axes
    GROUP BY logged.window_days, axes.matrix_id
)

SELECT
    $dt AS dt,
    laws.* EXCLUDE (evidence_zh, evidence_en),
    COALESCE(CASE WHEN laws.verdict IS NULL THEN unlogged.evidence.zh END, laws.evidence_zh) AS evidence_zh,
    COALESCE(CASE WHEN laws.verdict IS NULL THEN unlogged.evidence.en END, laws.evidence_en) AS evidence_en
FROM laws
LEFT JOIN unlogged USING (window_days, matrix_id)
