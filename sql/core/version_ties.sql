/* model
description: >
  Orders, order lines, refunds, products and spend whose newest versions differ but have the same updated_at, or none, so
  that the newest cannot be determined. The version with the most advanced status counts; of two versions of a line, a
  removed one counts before one that is not removed; of versions that are still equal, the one with the larger hash.
  Two different lines of an order with the same line_no are listed here too.
grain: [target, key]
reads: {raw.orders: all, raw.order_lines: all, raw.refunds: all, raw.products: all, raw.spend: all}
columns:
  target: {type: VARCHAR, description: "raw table of the record: orders, order_lines, refunds, products or spend"}
  key: {type: VARCHAR, description: "key of the record, its parts joined by ':'"}
  updated_at: {type: TIMESTAMP, description: "time that these versions share, UTC; null = they have none"}
  versions: {type: BIGINT, description: different versions with this updated_at; one of them counts}
  first_batch_id: {type: VARCHAR, description: "batch of one of these versions, see core.batches"}
  last_batch_id: {type: VARCHAR, description: "batch of another of these versions; may be the same batch"}
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
    UNION ALL
    SELECT
        'spend' AS target,
        CAST(spent_on AS VARCHAR) || ':' || LOWER(TRIM(channel)) || ':' || TRIM(campaign) AS key,
        updated_at,
        record_hash,
        batch_id
    FROM raw.spend
),

-- Most keys have only one version, so find those with several first.
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
