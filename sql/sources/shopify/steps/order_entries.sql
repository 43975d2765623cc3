-- Each line of the export that belongs to the newest version of an order, with its values parsed. Unreadable versions are
-- passed on too, so that they are quarantined with the reasons. source.yaml says which version is the newest and what the
-- statuses mean.
WITH entries AS (
    SELECT
        COALESCE(TRIM(name), '') AS order_id,
        -- Only the first line of an order has its status and amounts.
        COUNT(COALESCE(NULLIF(financial_status, ''), NULLIF(subtotal, ''), NULLIF(total, ''))) OVER (
            PARTITION BY batch_id, TRIM(name)
            ORDER BY record_no
        ) AS entry_no,
        COALESCE(NULLIF(financial_status, ''), NULLIF(subtotal, ''), NULLIF(total, '')) IS NOT NULL AS is_head,
        LOWER(TRIM(financial_status)) AS financial_status,
        COALESCE(NULLIF(LOWER(TRIM(email)), ''), NULLIF(REGEXP_REPLACE(phone, '[^0-9+]', '', 'g'), '')) AS contact,
        NULLIF(TRIM(currency), '') AS currency,
        NULLIF(TRIM(created_at), '') AS created_at,
        NULLIF(TRIM(paid_at), '') AS paid_at,
        NULLIF(TRIM(fulfilled_at), '') AS fulfilled_at,
        NULLIF(TRIM(cancelled_at), '') AS cancelled_at,
        NULLIF(TRIM(exported_at), '') AS exported_at,
        TRIM(subtotal) AS subtotal,
        COALESCE(NULLIF(TRIM(shipping), ''), '0') AS shipping,
        COALESCE(NULLIF(TRIM(taxes), ''), '0') AS taxes,
        TRIM(total) AS total,
        COALESCE(NULLIF(TRIM(refunded_amount), ''), '0') AS refunded_amount,
        TRIM(lineitem_quantity) AS quantity,
        TRIM(lineitem_price) AS price,
        COALESCE(NULLIF(TRIM(lineitem_discount), ''), '0') AS discount,
        COALESCE(NULLIF(REGEXP_REPLACE(TRIM(lineitem_sku), '^''', ''), ''), NULLIF(TRIM(lineitem_name), '')) AS sku,
        LOWER(TRIM(lineitem_name)) = 'tip' AND COALESCE(TRIM(lineitem_sku), '') = '' AS is_tip,
        batch_id,
        record_no
    FROM orders
),

-- Amounts are whole numbers of ten-thousandths, so that they can be shared without rounding errors.
parsed AS (
    SELECT
        entries.*,
        TRY_CAST(REGEXP_REPLACE(created_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS created,
        TRY_CAST(REGEXP_REPLACE(paid_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS paid,
        TRY_CAST(REGEXP_REPLACE(fulfilled_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS fulfilled,
        TRY_CAST(REGEXP_REPLACE(cancelled_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS cancelled,
        TRY_CAST(REGEXP_REPLACE(exported_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS exported,
        CASE financial_status
            WHEN 'paid' THEN 'paid'
            WHEN 'partially_refunded' THEN 'paid'
            WHEN 'refunded' THEN 'refunded'
            WHEN 'pending' THEN 'unpaid'
            WHEN 'authorized' THEN 'unpaid'
            WHEN 'partially_paid' THEN 'unpaid'
            WHEN 'unpaid' THEN 'unpaid'
            WHEN 'expired' THEN 'unpaid'
            WHEN 'voided' THEN 'cancelled'
        END AS status,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(subtotal, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS subtotal_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(shipping, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS shipping_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(taxes, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS tax_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(total, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS total_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(refunded_amount, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000
            AS HUGEINT
        ) AS refunded_units,
        TRY_CAST(REGEXP_EXTRACT(quantity, '^[0-9]{1,9}$') AS HUGEINT) * CAST(
            TRY_CAST(REGEXP_EXTRACT(price, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS item_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(discount, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS discount_units
    FROM entries
),

checked AS (
    SELECT
        parsed.*,
        order_id <> ''
        AND status IS NOT NULL
        AND created IS NOT NULL
        AND (paid_at IS NULL OR paid IS NOT NULL)
        AND (currency IS NULL OR REGEXP_MATCHES(currency, '^[A-Za-z]{3}$')) AS has_sound_order,
        (fulfilled_at IS NULL OR fulfilled IS NOT NULL)
        AND (cancelled_at IS NULL OR cancelled IS NOT NULL)
        AND (exported_at IS NULL OR exported IS NOT NULL) AS has_sound_times,
        subtotal_units + shipping_units + tax_units + total_units + refunded_units IS NOT NULL AS has_sound_amounts,
        item_units + discount_units IS NOT NULL AND sku IS NOT NULL AS has_sound_item,
        GREATEST(created, paid, fulfilled, cancelled) AS known_at,
        MAX(GREATEST(created, paid, fulfilled, cancelled, exported)) OVER (PARTITION BY batch_id) AS export_at,
        CAST(
            ROW(
                financial_status, contact, currency, created_at, paid_at, fulfilled_at, cancelled_at, subtotal, shipping,
                taxes, total, refunded_amount, quantity, price, discount, sku, is_tip
            ) AS VARCHAR
        ) AS line_content
    FROM parsed
),

versions AS (
    SELECT
        batch_id,
        order_id,
        entry_no,
        MD5(STRING_AGG(line_content, CHR(10) ORDER BY record_no)) AS content,
        BOOL_OR(is_head)
        AND BOOL_AND(has_sound_item AND (NOT is_head OR has_sound_order AND has_sound_times AND has_sound_amounts))
        AND SUM(item_units) < 10000 * 1000000000000 AS is_readable,
        MAX(refunded_units) FILTER (WHERE is_head) AS refunded_units,
        MAX(known_at) FILTER (WHERE is_head) AS known_at,
        MAX(export_at) AS export_at
    FROM checked
    GROUP BY batch_id, order_id, entry_no
),

newest AS (
    SELECT
        order_id,
        MAX_BY(content, (refunded_units, export_at, content)) AS content,
        CASE
            WHEN MIN(refunded_units) < MAX(refunded_units)
                THEN MIN_BY(export_at, (-refunded_units, export_at))
            ELSE MAX_BY(known_at, (refunded_units, export_at, content))
        END AS updated_at
    FROM versions
    WHERE is_readable
    GROUP BY order_id
)

SELECT
    checked.*,
    versions.is_readable,
    CASE WHEN versions.is_readable THEN CAST(newest.updated_at AS VARCHAR) END AS updated_at
FROM checked
INNER JOIN versions USING (batch_id, order_id, entry_no)
LEFT JOIN newest USING (order_id)
WHERE
    NOT COALESCE(versions.is_readable, FALSE)
    OR versions.content = newest.content
