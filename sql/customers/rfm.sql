/* model
description: >
  Each customer's recency, frequency and money as of the end of the day, with scores, octant and segment. Scores go by
  the value, never by the row: 1 + floor(5 · (average rank − ½) / n), ties sharing the average rank, 5 best.
grain: [dt, user_id]
partition: dt
as_of: true
columns:
  dt: {type: DATE, description: the day at whose end this is so}
  user_id: {type: VARCHAR, description: customer}
  first_paid_on: {type: DATE, description: business day of the first paid order in the window}
  last_paid_on: {type: DATE, description: business day of the last paid order}
  recency_days: {type: INTEGER, description: days from the last paid order to dt}
  frequency: {type: INTEGER, description: "paid orders, or days with one (setting rfm.frequency)"}
  monetary: {type: "DECIMAL(18,4)", description: "net revenue, or its mean per order (setting rfm.monetary)"}
  orders: {type: INTEGER, description: paid orders}
  net_revenue: {type: "DECIMAL(18,4)", description: revenue − refunds made by dt}
  r_score: {type: INTEGER, description: "1 to 5, 5 = the latest"}
  f_score: {type: INTEGER, description: "1 to 5, 5 = the most often"}
  m_score: {type: INTEGER, description: "1 to 5, 5 = the most money"}
  r_high: {type: BOOLEAN, description: recency_days at or under its threshold}
  f_high: {type: BOOLEAN, description: frequency above its threshold}
  m_high: {type: BOOLEAN, description: monetary above its threshold}
  octant_code: {type: VARCHAR, description: "r_high, f_high, m_high as digits, 1 = high"}
  octant: {type: VARCHAR, description: key in config/segments.csv}
  segment: {type: VARCHAR, description: "key of the first row of config/segments.csv that matches the scores"}
*/
WITH thresholds AS (
    SELECT
        MAX(value) FILTER (WHERE axis = 'r') AS recency_days,
        MAX(value) FILTER (WHERE axis = 'f') AS frequency,
        MAX(value) FILTER (WHERE axis = 'm') AS monetary
    FROM customers.rfm_thresholds
    WHERE dt = $dt
),

-- RANK is the place of the first of equal values, a running COUNT that of the last.
ranked AS (
    SELECT
        user_id,
        first_paid_on,
        last_paid_on,
        recency_days,
        frequency,
        monetary,
        orders,
        net_revenue,
        COUNT(*) OVER () AS customers,
        RANK() OVER (ORDER BY recency_days DESC) + COUNT(*) OVER (ORDER BY recency_days DESC) AS r_places,
        RANK() OVER (ORDER BY frequency) + COUNT(*) OVER (ORDER BY frequency) AS f_places,
        RANK() OVER (ORDER BY monetary) + COUNT(*) OVER (ORDER BY monetary) AS m_places
    FROM customers.rfm_values
    WHERE dt = $dt
),

scored AS (
    SELECT
        ranked.user_id,
        ranked.first_paid_on,
        ranked.last_paid_on,
        ranked.recency_days,
        ranked.frequency,
        ranked.monetary,
        ranked.orders,
        ranked.net_revenue,
        1 + CAST(FLOOR(CAST(5 * (ranked.r_places - 1) AS DOUBLE) / NULLIF(2 * ranked.customers, 0)) AS INTEGER) AS r_score,
        1 + CAST(FLOOR(CAST(5 * (ranked.f_places - 1) AS DOUBLE) / NULLIF(2 * ranked.customers, 0)) AS INTEGER) AS f_score,
        1 + CAST(FLOOR(CAST(5 * (ranked.m_places - 1) AS DOUBLE) / NULLIF(2 * ranked.customers, 0)) AS INTEGER) AS m_score,
        -- A threshold that was summed up may be off in its last digits: equal to it is not beyond it.
        ranked.recency_days - thresholds.recency_days <= 1e-9 * ABS(thresholds.recency_days) AS r_high,
        ranked.frequency - thresholds.frequency > 1e-9 * ABS(thresholds.frequency) AS f_high,
        CAST(ranked.monetary AS DOUBLE) - thresholds.monetary > 1e-9 * ABS(thresholds.monetary) AS m_high
    FROM ranked
    CROSS JOIN thresholds
),

coded AS (
    SELECT
        user_id,
        first_paid_on,
        last_paid_on,
        recency_days,
        frequency,
        monetary,
        orders,
        net_revenue,
        r_score,
        f_score,
        m_score,
        r_high,
        f_high,
        m_high,
        CASE WHEN r_high THEN '1' ELSE '0' END
        || CASE WHEN f_high THEN '1' ELSE '0' END
        || CASE WHEN m_high THEN '1' ELSE '0' END AS octant_code
    FROM scored
)

SELECT
    $dt AS dt,
    coded.user_id,
    coded.first_paid_on,
    coded.last_paid_on,
    coded.recency_days,
    coded.frequency,
    coded.monetary,
    coded.orders,
    coded.net_revenue,
    coded.r_score,
    coded.f_score,
    coded.m_score,
    coded.r_high,
    coded.f_high,
    coded.m_high,
    coded.octant_code,
    cells.key AS octant,
    segment_scores.segment
FROM coded
LEFT JOIN config.cells
    ON
        cells.matrix_id = 'octants'
        AND cells.code = coded.octant_code
LEFT JOIN config.segment_scores
    ON
        segment_scores.r_score = coded.r_score
        AND segment_scores.f_score = coded.f_score
        AND segment_scores.m_score = coded.m_score
