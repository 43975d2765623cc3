/* model
description: >
  Each customer's recency, frequency and money as of the end of the day, with scores, octant and segment. A score is 1
  + floor(5 · (average rank − ½) / n), 5 is best; equal values share the average of their ranks and so have the same
  score.
grain: [dt, user_id]
partition: dt
as_of: true
columns:
  dt: {type: DATE, description: business day; the row describes its end}
  user_id: {type: VARCHAR, description: customer with a paid order in the window}
  first_paid_on: {type: DATE, description: business day of the first paid order in the window}
  last_paid_on: {type: DATE, description: business day of the last paid order in the window}
  recency_days: {type: INTEGER, description: days from the last paid order to dt}
  frequency: {type: INTEGER, description: "paid orders, or days with a paid order (setting rfm.frequency)"}
  monetary: {type: "DECIMAL(18,4)", description: "net revenue, or mean net revenue of an order (setting rfm.monetary), reporting currency"}
  orders: {type: INTEGER, description: paid orders in the window}
  net_revenue: {type: "DECIMAL(18,4)", description: "revenue of the window's orders − refunds of them made by dt, reporting currency"}
  r_score: {type: INTEGER, description: "1 to 5, 5 = the most recent"}
  f_score: {type: INTEGER, description: "1 to 5, 5 = the most frequent"}
  m_score: {type: INTEGER, description: "1 to 5, 5 = the most money"}
  r_high: {type: BOOLEAN, description: true if recency_days is at or below its threshold}
  f_high: {type: BOOLEAN, description: true if frequency is above its threshold}
  m_high: {type: BOOLEAN, description: true if monetary is above its threshold}
  octant_code: {type: VARCHAR, description: "r_high, f_high and m_high as three digits, 1 = high"}
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

customers AS (
    SELECT
        user_id,
        first_paid_on,
        last_paid_on,
        recency_days,
        frequency,
        monetary,
        orders,
        net_revenue
    FROM customers.rfm_values
    WHERE dt = $dt
),

-- Many customers have equal values, so each value is ranked once; last_place is the rank of the last customer with it,
-- from 1 = the worst.
r_places AS (
    SELECT
        recency_days,
        COUNT(*) AS customers,
        SUM(COUNT(*)) OVER (ORDER BY recency_days DESC) AS last_place,
        SUM(COUNT(*)) OVER () AS places
    FROM customers
    GROUP BY recency_days
),

f_places AS (
    SELECT
        frequency,
        COUNT(*) AS customers,
        SUM(COUNT(*)) OVER (ORDER BY frequency) AS last_place,
        SUM(COUNT(*)) OVER () AS places
    FROM customers
    GROUP BY frequency
),

m_places AS (
    SELECT
        monetary,
        COUNT(*) AS customers,
        SUM(COUNT(*)) OVER (ORDER BY monetary) AS last_place,
        SUM(COUNT(*)) OVER () AS places
    FROM customers
    GROUP BY monetary
),

-- The average rank of equal values − ½ is last_place − half their number. A difference from the threshold that is only
-- a rounding error counts as equal.
r_scores AS (
    SELECT
        r_places.recency_days,
        1 + CAST(FLOOR(
            CAST(5 * (2 * r_places.last_place - r_places.customers) AS DOUBLE) / NULLIF(2 * r_places.places, 0)
        ) AS INTEGER) AS r_score,
        COALESCE(
            r_places.recency_days - thresholds.recency_days <= 1e-9 * ABS(thresholds.recency_days), FALSE
        ) AS r_high
    FROM r_places
    CROSS JOIN thresholds
),

f_scores AS (
    SELECT
        f_places.frequency,
        1 + CAST(FLOOR(
            CAST(5 * (2 * f_places.last_place - f_places.customers) AS DOUBLE) / NULLIF(2 * f_places.places, 0)
        ) AS INTEGER) AS f_score,
        COALESCE(f_places.frequency - thresholds.frequency > 1e-9 * ABS(thresholds.frequency), FALSE) AS f_high
    FROM f_places
    CROSS JOIN thresholds
),

m_scores AS (
    SELECT
        m_places.monetary,
        1 + CAST(FLOOR(
            CAST(5 * (2 * m_places.last_place - m_places.customers) AS DOUBLE) / NULLIF(2 * m_places.places, 0)
        ) AS INTEGER) AS m_score,
        COALESCE(
            CAST(m_places.monetary AS DOUBLE) - thresholds.monetary > 1e-9 * ABS(thresholds.monetary), FALSE
        ) AS m_high
    FROM m_places
    CROSS JOIN thresholds
),

scored AS (
    SELECT
        customers.*,
        r_scores.r_score,
        f_scores.f_score,
        m_scores.m_score,
        r_scores.r_high,
        f_scores.f_high,
        m_scores.m_high,
        CASE WHEN r_scores.r_high THEN '1' ELSE '0' END
        || CASE WHEN f_scores.f_high THEN '1' ELSE '0' END
        || CASE WHEN m_scores.m_high THEN '1' ELSE '0' END AS octant_code
    FROM customers
    INNER JOIN r_scores USING (recency_days)
    INNER JOIN f_scores USING (frequency)
    INNER JOIN m_scores USING (monetary)
)

SELECT
    $dt AS dt,
    scored.*,
    octants.key AS octant,
    segment_scores.segment
FROM scored
LEFT JOIN config.octants ON octants.code = scored.octant_code
LEFT JOIN config.segment_scores USING (r_score, f_score, m_score)
