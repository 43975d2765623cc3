/* model
description: >
  Each product's figures over the trailing windows that end with the day. A product has a row if it has any figure in
  the window, or if the catalogue says that it was launched by that day.
grain: [dt, window_days, product_id]
partition: dt
reads: {products.daily: 2 * products_longest_window - 1, core.order_lines: products_longest_window + products_repurchase_days}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  product_id: {type: VARCHAR, description: the product; its figures include its variants}
  category: {type: VARCHAR, description: "category in the product catalogue; '(none)' if unknown"}
  exposures: {type: BIGINT, description: product exposure events}
  product_clicks: {type: BIGINT, description: product click events}
  views: {type: BIGINT, description: "page views of the product's detail page"}
  add_to_carts: {type: BIGINT, description: add-to-cart events}
  buyers: {type: BIGINT, description: distinct users with a paid order; orders without a known user are not counted}
  orders: {type: BIGINT, description: distinct paid orders}
  order_lines: {type: BIGINT, description: lines of paid orders}
  units: {type: BIGINT, description: units sold}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue, reporting currency"}
  refunded: {type: "DECIMAL(18,4)", description: "Σ refunds made in the window, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: "revenue − refunded, reporting currency"}
  cost: {type: "DECIMAL(18,4)", description: "Σ cost, reporting currency; null if the cost of any line is unknown"}
  lines_without_cost: {type: BIGINT, description: order lines whose cost is unknown}
  margin: {type: "DECIMAL(18,4)", description: "net_revenue − cost, reporting currency; null if cost is null"}
  margin_rate: {type: DOUBLE, description: margin / net_revenue; null unless net_revenue is above 0}
  click_through_rate: {type: DOUBLE, description: product_clicks / exposures}
  conversion_rate: {type: DOUBLE, description: order_lines / product_clicks}
  repurchase_base: {type: BIGINT, description: buyers in the window of the same length that ended repurchase_days before dt}
  repurchasers: {type: BIGINT, description: buyers of the repurchase_base who bought the product again within repurchase_days}
  repurchase_rate: {type: DOUBLE, description: repurchasers / repurchase_base}
  previous_revenue: {type: "DECIMAL(18,4)", description: "revenue of the previous window, reporting currency; null if the records do not cover that window"}
  growth_rate: {type: DOUBLE, description: revenue / previous_revenue − 1; null if previous_revenue is null or 0}
  relative_share: {type: DOUBLE, description: "revenue / revenue of the largest rival: the best-selling product of a competitor in config/market.csv, otherwise the largest other product of the category; null without a rival"}
  days_since_launch: {type: INTEGER, description: days from launched_on to dt; null if launched_on is unknown}
*/
WITH windows AS (
    SELECT
        CAST(days.dt AS DATE) AS dt,
        CAST(lengths.window_days AS INTEGER) AS window_days
    FROM UNNEST(GENERATE_SERIES($from_dt, $to_dt, INTERVAL 1 DAY)) AS days (dt)
    CROSS JOIN UNNEST(GENERATE_SERIES(1, $products_longest_window, 1)) AS lengths (window_days)
    WHERE lengths.window_days IN ($products_windows)
),

sums AS (
    SELECT
        windows.dt,
        windows.window_days,
        daily.product_id,
        SUM(daily.exposures) AS exposures,
        SUM(daily.product_clicks) AS product_clicks,
        SUM(daily.views) AS views,
        SUM(daily.add_to_carts) AS add_to_carts,
        SUM(daily.order_lines) AS order_lines,
        SUM(daily.units) AS units,
        SUM(daily.revenue) AS revenue,
        SUM(daily.refunded) AS refunded,
        SUM(daily.cost) AS cost,
        SUM(daily.lines_without_cost) AS lines_without_cost
    FROM products.daily AS daily
    INNER JOIN windows
        ON
            daily.dt > windows.dt - windows.window_days
            AND daily.dt <= windows.dt
    WHERE daily.dt BETWEEN $from_dt - (2 * $products_longest_window - 1) AND $to_dt
    GROUP BY windows.dt, windows.window_days, daily.product_id
),

sums_before AS (
    SELECT
        windows.dt,
        windows.window_days,
        daily.product_id,
        SUM(daily.revenue) AS revenue
    FROM products.daily AS daily
    INNER JOIN windows
        ON
            daily.dt > windows.dt - 2 * windows.window_days
            AND daily.dt <= windows.dt - windows.window_days
    WHERE daily.dt BETWEEN $from_dt - (2 * $products_longest_window - 1) AND $to_dt
    GROUP BY windows.dt, windows.window_days, daily.product_id
),

purchases AS (
    SELECT
        product_id,
        user_id,
        order_id,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt - ($products_longest_window + $products_repurchase_days) AND $to_dt
),

buyers AS (
    SELECT
        windows.dt,
        windows.window_days,
        purchases.product_id,
        COUNT(DISTINCT purchases.user_id) AS buyers,
        COUNT(DISTINCT purchases.order_id) AS orders
    FROM purchases
    INNER JOIN windows
        ON
            purchases.dt > windows.dt - windows.window_days
            AND purchases.dt <= windows.dt
    GROUP BY windows.dt, windows.window_days, purchases.product_id
),

purchase_days AS (
    SELECT
        product_id,
        user_id,
        dt,
        LEAD(dt) OVER (PARTITION BY product_id, user_id ORDER BY dt) AS next_dt
    FROM purchases
    WHERE user_id IS NOT NULL
    GROUP BY product_id, user_id, dt
),

first_purchases AS (
    SELECT
        windows.dt,
        windows.window_days,
        purchase_days.product_id,
        purchase_days.user_id,
        -- The first purchase in the window and the next one: next_dt grows with dt, so both minima are of one row.
        MIN(purchase_days.dt) AS bought_on,
        MIN(purchase_days.next_dt) AS bought_again_on
    FROM purchase_days
    INNER JOIN windows
        ON
            purchase_days.dt > windows.dt - $products_repurchase_days - windows.window_days
            AND purchase_days.dt <= windows.dt - $products_repurchase_days
    GROUP BY windows.dt, windows.window_days, purchase_days.product_id, purchase_days.user_id
),

repurchases AS (
    SELECT
        dt,
        window_days,
        product_id,
        COUNT(*) AS buyers,
        COUNT(*) FILTER (WHERE bought_again_on <= bought_on + $products_repurchase_days) AS repurchasers
    FROM first_purchases
    GROUP BY dt, window_days, product_id
),

products AS (
    SELECT
        dt,
        window_days,
        product_id
    FROM sums
    UNION DISTINCT
    SELECT
        windows.dt,
        windows.window_days,
        catalog.product_id
    FROM windows
    INNER JOIN products.catalog AS catalog ON catalog.launched_on <= windows.dt
),

figures AS (
    SELECT
        dt,
        window_days,
        product_id,
        COALESCE(catalog.category, '(none)') AS category,
        catalog.launched_on,
        CAST(COALESCE(sums.exposures, 0) AS BIGINT) AS exposures,
        CAST(COALESCE(sums.product_clicks, 0) AS BIGINT) AS product_clicks,
        CAST(COALESCE(sums.views, 0) AS BIGINT) AS views,
        CAST(COALESCE(sums.add_to_carts, 0) AS BIGINT) AS add_to_carts,
        CAST(COALESCE(buyers.buyers, 0) AS BIGINT) AS buyers,
        CAST(COALESCE(buyers.orders, 0) AS BIGINT) AS orders,
        CAST(COALESCE(sums.order_lines, 0) AS BIGINT) AS order_lines,
        CAST(COALESCE(sums.units, 0) AS BIGINT) AS units,
        CAST(COALESCE(sums.revenue, 0) AS DECIMAL(18, 4)) AS revenue,
        CAST(COALESCE(sums.refunded, 0) AS DECIMAL(18, 4)) AS refunded,
        CAST(COALESCE(sums.revenue, 0) - COALESCE(sums.refunded, 0) AS DECIMAL(18, 4)) AS net_revenue,
        CASE
            WHEN COALESCE(sums.lines_without_cost, 0) = 0 THEN CAST(COALESCE(sums.cost, 0) AS DECIMAL(18, 4))
        END AS cost,
        CAST(COALESCE(sums.lines_without_cost, 0) AS BIGINT) AS lines_without_cost,
        CAST(COALESCE(repurchases.buyers, 0) AS BIGINT) AS repurchase_base,
        CAST(COALESCE(repurchases.repurchasers, 0) AS BIGINT) AS repurchasers,
        -- Null if the records do not cover the whole previous window, because every product would seem to grow.
        CASE
            WHEN $start_date <= dt - 2 * window_days + 1
                THEN CAST(COALESCE(sums_before.revenue, 0) AS DECIMAL(18, 4))
        END AS previous_revenue
    FROM products
    LEFT JOIN products.catalog AS catalog USING (product_id)
    LEFT JOIN sums USING (dt, window_days, product_id)
    LEFT JOIN sums_before USING (dt, window_days, product_id)
    LEFT JOIN buyers USING (dt, window_days, product_id)
    LEFT JOIN repurchases USING (dt, window_days, product_id)
),

-- Rows of config/market.csv that overlap the window: revenue per day, spread evenly, and the days of overlap.
market_days AS (
    SELECT
        windows.dt,
        windows.window_days,
        market.category,
        market.competitor,
        CAST(market.revenue AS DOUBLE) / NULLIF(DATE_DIFF('day', market.first_day, market.last_day) + 1, 0) AS revenue_a_day,
        DATE_DIFF(
            'day',
            GREATEST(market.first_day, windows.dt - windows.window_days + 1),
            LEAST(market.last_day, windows.dt)
        ) + 1 AS days
    FROM windows
    INNER JOIN config.market AS market
        ON
            market.first_day <= windows.dt
            AND market.last_day > windows.dt - windows.window_days
),

competitors AS (
    SELECT
        dt,
        window_days,
        category,
        competitor,
        SUM(revenue_a_day * days) AS revenue
    FROM market_days
    GROUP BY dt, window_days, category, competitor
    HAVING SUM(days) = window_days
),

largest_competitors AS (
    SELECT
        dt,
        window_days,
        category,
        MAX(revenue) AS revenue
    FROM competitors
    GROUP BY dt, window_days, category
),

-- The largest rival is a competitor, if market.csv covers the window, otherwise the category's largest other product.
rivalled AS (
    SELECT
        figures.*,
        CAST(figures.net_revenue - figures.cost AS DECIMAL(18, 4)) AS margin,
        COALESCE(
            largest_competitors.revenue,
            CAST(CASE
                WHEN ROW_NUMBER() OVER by_revenue = 1 THEN LEAD(figures.revenue) OVER by_revenue
                ELSE MAX(figures.revenue) OVER (PARTITION BY dt, window_days, category)
            END AS DOUBLE)
        ) AS rival_revenue
    FROM figures
    LEFT JOIN largest_competitors USING (dt, window_days, category)
    WINDOW by_revenue AS (PARTITION BY dt, window_days, category ORDER BY figures.revenue DESC, product_id)
)

SELECT
    rivalled.* EXCLUDE (launched_on, rival_revenue),
    CASE WHEN net_revenue > 0 THEN CAST(margin AS DOUBLE) / NULLIF(CAST(net_revenue AS DOUBLE), 0) END AS margin_rate,
    CAST(product_clicks AS DOUBLE) / NULLIF(exposures, 0) AS click_through_rate,
    CAST(order_lines AS DOUBLE) / NULLIF(product_clicks, 0) AS conversion_rate,
    CAST(repurchasers AS DOUBLE) / NULLIF(repurchase_base, 0) AS repurchase_rate,
    CASE
        WHEN previous_revenue > 0 THEN CAST(revenue AS DOUBLE) / NULLIF(CAST(previous_revenue AS DOUBLE), 0) - 1
    END AS growth_rate,
    CASE WHEN rival_revenue > 0 THEN CAST(revenue AS DOUBLE) / NULLIF(rival_revenue, 0) END AS relative_share,
    CASE WHEN launched_on <= dt THEN CAST(DATE_DIFF('day', launched_on, dt) AS INTEGER) END AS days_since_launch
FROM rivalled
