/* check
model: customers.rfm
severity: error
description: Each customer is in the octant given by r_high, f_high and m_high, and in one segment. config/segments.csv has both keys.
remedy: Compare these customers with config/segments.csv; if the file has their octant and scores, this is a bug in customers.rfm.
*/
SELECT
    customers.dt,
    customers.user_id,
    customers.r_high,
    customers.f_high,
    customers.m_high,
    customers.octant_code,
    customers.octant,
    customers.segment
FROM customers.rfm AS customers
LEFT JOIN config.octants ON octants.key = customers.octant
LEFT JOIN config.segments ON segments.segment = customers.segment
WHERE
    customers.dt BETWEEN $from_dt AND $to_dt
    AND (
        segments.segment IS NULL
        OR octants.code IS NULL
        OR octants.code <> customers.octant_code
        OR customers.octant_code IS NULL
        OR COALESCE(customers.r_high <> (SUBSTRING(customers.octant_code, 1, 1) = '1'), TRUE)
        OR COALESCE(customers.f_high <> (SUBSTRING(customers.octant_code, 2, 1) = '1'), TRUE)
        OR COALESCE(customers.m_high <> (SUBSTRING(customers.octant_code, 3, 1) = '1'), TRUE)
    )
