/* check
model: customers.rfm
severity: error
description: For recency, frequency and money, equal values have the same score, a better value never has a lower score, and scores are 1 to 5.
remedy: This is a bug in customers.rfm, not a fault of the data; please report it with these values and their scores.
*/
WITH metric_values AS (
    SELECT
        dt,
        'r' AS axis,
        -recency_days AS value,
        MIN(r_score) AS lowest,
        MAX(r_score) AS highest,
        COUNT(*) - COUNT(r_score) AS unscored
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, recency_days
    UNION ALL
    SELECT
        dt,
        'f' AS axis,
        frequency AS value,
        MIN(f_score) AS lowest,
        MAX(f_score) AS highest,
        COUNT(*) - COUNT(f_score) AS unscored
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, frequency
    UNION ALL
    SELECT
        dt,
        'm' AS axis,
        monetary AS value,
        MIN(m_score) AS lowest,
        MAX(m_score) AS highest,
        COUNT(*) - COUNT(m_score) AS unscored
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, monetary
),

beside_worse AS (
    SELECT
        metric_values.*,
        LAG(highest) OVER (PARTITION BY dt, axis ORDER BY value) AS highest_of_worse
    FROM metric_values
)

SELECT
    dt,
    axis,
    value,
    lowest,
    highest,
    highest_of_worse
FROM beside_worse
WHERE
    lowest <> highest
    OR unscored > 0
    OR lowest < 1
    OR highest > 5
    OR lowest < highest_of_worse
