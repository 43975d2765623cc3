/* model
description: >
  Orders, order lines, refunds and products whose newest versions differ and say the same updated_at, or none: which of
  them is the newest cannot be told. The further status counts, a line that was taken away before one that was not,
  then the larger hash. Two different lines of an order under one number are found here too.
grain: [target, key]
reads: {raw.orders: all, raw.order_lines: all, raw.refunds: all, raw.products: all}
columns:
  target: {type: VARCHAR, description: "orders, order_lines, refunds or products"}
  key: {type: VARCHAR, description: "key of the record, its parts joined by ':'"}
  updated_at: {type: TIMESTAMP, description: "what the versions say, UTC; null = nothing"}
  versions: {type: BIGINT, description: different versions that say it; one of them counts}
  first_batch_id: {type: VARCHAR, description: "batch that has one of them, see core.batches"}
  last_batch_id: {type: VARCHAR, description: "another of these batches, or the same"}
*/
WITH versions AS (
    SELECT
        'orders' AS target,
        order_id AS key,
        updated_at,
        record_hash,
        batch_id
    FROM raw.orders
    UNION ALL
    SELECT
        'order_lines' AS target,
        order_id || ':' || CAST(line_no AS VARCHAR) AS key,
        updated_at,
        record_hash,
        batch_id
    FROM raw.order_lines
    UNION ALL
    SELECT
        'refunds' AS target,
        order_id || ':' || CAST(line_no AS VARCHAR) || ':' || refund_id AS key,
        updated_at,
        record_hash,
        batch_id
    FROM raw.refunds
    UNION ALL
    SELECT
        'products' AS target,
        sku AS key,
        updated_at,
        record_hash,
        batch_id
    FROM raw.products
),

-- Nearly every key has one version: those with several are found first.
repeated AS (
    SELECT
        target,
        key,
        MAX(updated_at) AS updated_at
    FROM versions
    GROUP BY target, key
    HAVING COUNT(*) > 1
)

SELECT
    versions.target,
    versions.key,
    repeated.updated_at,
    COUNT(DISTINCT versions.record_hash) AS versions,
    MIN(versions.batch_id) AS first_batch_id,
    MAX(versions.batch_id) AS last_batch_id
FROM versions
INNER JOIN repeated
    ON
        repeated.target = versions.target
        AND repeated.key = versions.key
        AND repeated.updated_at IS NOT DISTINCT FROM versions.updated_at
GROUP BY versions.target, versions.key, repeated.updated_at
HAVING COUNT(DISTINCT versions.record_hash) > 1
