/* model
description: >
  Every line of a paid order with the event that it is matched to and the entrance of that event. Only events of the
  same person and product can match, and add-to-carts take precedence over product clicks. Of each kind, the latest
  event in the cart window before the order matches; if there is none, the first event after the order, if it is at
  most clock_tolerance_seconds later. A line without such an event takes the match of the largest other line of its
  order, otherwise the person's latest entrance visit, as far as the setting sales_fallbacks allows.
grain: [order_id, line_no]
partition: dt
detail: true
reads:
  attribution.attributed_events: cart_window_days + max_payment_delay_days + 1
  core.events: ceil(head_lookback_hours / 24) + max_payment_delay_days + 1
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  person_id: {type: VARCHAR, description: "the order's user; null = unknown"}
  sku: {type: VARCHAR, description: "what was bought: a product or a variant of one"}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself; lines and events are matched by it"}
  quantity: {type: INTEGER, description: units}
  revenue: {type: "DECIMAL(18,4)", description: "quantity × unit_price − discount, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: "revenue − refunds so far, reporting currency"}
  margin: {type: "DECIMAL(18,4)", description: "net_revenue − cost, reporting currency; null if the cost is unknown"}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  matched_by: {type: VARCHAR, description: "cart or click: an event of the line's own product; order: the match of another line of the order; visit: the person's latest entrance visit; none"}
  matched_event_id: {type: VARCHAR, description: "the add-to-cart or click; for order the event of the other line, for visit the head; null for none"}
  entrance_id: {type: VARCHAR, description: "entrance of the matched event; '(direct)' if that event has none, '(unattributed)' if no event matches"}
  head_event_id: {type: VARCHAR, description: event_id of the head of the matched event; null = none}
  head_page_type: {type: VARCHAR, description: "page of that head; '(none)' if there is none"}
  head_module: {type: VARCHAR, description: "module of that head; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: slot of that head; 0 if there is none}
  head_content_id: {type: VARCHAR, description: "content of that head; '(none)' if there is none"}
  dt: {type: DATE, description: business day of payment}
*/
WITH sales AS (
    SELECT
        order_id,
        line_no,
        user_id AS person_id,
        sku,
        product_id,
        quantity,
        revenue,
        net_revenue,
        margin,
        ordered_at,
        paid_at,
        -- An event after payment did not lead to the purchase, even if ordered_at is later still.
        LEAST(ordered_at, paid_at) AS match_until,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

candidates AS (
    SELECT
        events.event_id,
        events.end_type,
        events.person_id,
        events.product_id,
        events.occurred_at,
        events.page_id,
        events.entrance_id,
        events.head_event_id,
        events.head_page_type,
        events.head_module,
        events.head_slot,
        events.head_content_id,
        events.dt
    FROM attribution.attributed_events AS events
    SEMI JOIN sales USING (person_id, product_id)
    WHERE
        events.dt BETWEEN $from_dt - ($cart_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND events.end_type IN ('add_to_cart', 'click')
),

-- The candidates and sales of a person and product, sorted by time; at equal times a sale comes last. Only the last
-- candidate before a sale and the first one after it can match: window functions find them without joining all pairs.
timeline AS (
    SELECT
        person_id,
        product_id,
        occurred_at AS at,
        end_type AS kind,
        page_id,
        event_id,
        CAST(NULL AS VARCHAR) AS order_id,
        CAST(NULL AS INTEGER) AS line_no
    FROM candidates
    UNION ALL
    SELECT
        person_id,
        product_id,
        match_until AS at,
        'sale' AS kind,
        CAST(NULL AS BIGINT) AS page_id,
        CAST(NULL AS VARCHAR) AS event_id,
        order_id,
        line_no
    FROM sales
    WHERE person_id IS NOT NULL
),

nearest AS (
    SELECT
        order_id,
        line_no,
        kind,
        LAST_VALUE(CASE WHEN kind = 'add_to_cart' THEN event_id END IGNORE NULLS) OVER before_sale AS cart_before,
        FIRST_VALUE(CASE WHEN kind = 'add_to_cart' THEN event_id END IGNORE NULLS) OVER after_sale AS cart_after,
        LAST_VALUE(CASE WHEN kind = 'click' THEN event_id END IGNORE NULLS) OVER before_sale AS click_before,
        FIRST_VALUE(CASE WHEN kind = 'click' THEN event_id END IGNORE NULLS) OVER after_sale AS click_after
    FROM timeline
    WINDOW
        before_sale AS (
            PARTITION BY person_id, product_id
            ORDER BY at, kind = 'sale', page_id, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        after_sale AS (
            PARTITION BY person_id, product_id
            ORDER BY at, kind = 'sale', page_id, event_id
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),

choices AS (
    SELECT
        order_id,
        line_no,
        event_id
    FROM nearest
    CROSS JOIN UNNEST([cart_before, cart_after, click_before, click_after]) AS known(event_id)
    WHERE kind = 'sale'
),

-- Add-to-carts rank before clicks; of each kind, an event before the sale ranks before one after it.
found AS (
    SELECT
        sales.order_id,
        sales.line_no,
        candidates.event_id,
        CASE candidates.end_type WHEN 'add_to_cart' THEN 'cart' ELSE 'click' END AS matched_by,
        ROW_NUMBER() OVER (
            PARTITION BY sales.order_id, sales.line_no
            ORDER BY candidates.end_type, candidates.occurred_at > sales.match_until
        ) AS place,
        ROW_NUMBER() OVER (
            PARTITION BY sales.order_id
            ORDER BY sales.revenue DESC, sales.line_no, candidates.end_type, candidates.occurred_at > sales.match_until
        ) AS place_in_order
    FROM choices
    INNER JOIN sales USING (order_id, line_no)
    INNER JOIN candidates USING (event_id)
    WHERE
        candidates.occurred_at >= sales.ordered_at - $cart_window_days * INTERVAL '1' DAY
        AND candidates.occurred_at <= sales.match_until + $clock_tolerance_seconds * INTERVAL '1' SECOND
        AND DATE_DIFF('day', candidates.dt, sales.dt) BETWEEN 0 AND $cart_window_days + $max_payment_delay_days + 1
),

-- The line's own match, otherwise the match of the largest line of its order that has one.
matches AS (
    SELECT
        sales.order_id,
        sales.line_no,
        COALESCE(own.matched_by, 'order') AS matched_by,
        COALESCE(own.event_id, largest.event_id) AS event_id
    FROM sales
    LEFT JOIN found AS own
        ON
            own.order_id = sales.order_id
            AND own.line_no = sales.line_no
            AND own.place = 1
    LEFT JOIN found AS largest
        ON
            largest.order_id = sales.order_id
            AND largest.place_in_order = 1
            AND 'order' IN ($sales_fallbacks)
    WHERE COALESCE(own.event_id, largest.event_id) IS NOT NULL
),

left_over AS (
    SELECT sales.*
    FROM sales
    ANTI JOIN matches USING (order_id, line_no)
    WHERE
        person_id IS NOT NULL
        AND 'visit' IN ($sales_fallbacks)
),

heads AS (
    SELECT
        events.event_id,
        events.person_id,
        events.occurred_at,
        events.page_id,
        events.entrance_id,
        events.page_type,
        events.module,
        events.slot,
        events.content_id,
        events.dt
    FROM core.events AS events
    SEMI JOIN left_over USING (person_id)
    WHERE
        events.dt BETWEEN $from_dt - (CEIL($head_lookback_hours / 24) + $max_payment_delay_days + 1) AND $to_dt
        AND events.event_type = 'click'
        AND events.entrance_id IS NOT NULL
),

visits AS (
    SELECT
        person_id,
        occurred_at AS at,
        FALSE AS is_sale,
        page_id,
        event_id,
        CAST(NULL AS VARCHAR) AS order_id,
        CAST(NULL AS INTEGER) AS line_no,
        CAST(NULL AS DATE) AS dt
    FROM heads
    UNION ALL
    SELECT
        person_id,
        match_until AS at,
        TRUE AS is_sale,
        CAST(NULL AS BIGINT) AS page_id,
        CAST(NULL AS VARCHAR) AS event_id,
        order_id,
        line_no,
        dt
    FROM left_over
),

latest_visits AS (
    SELECT
        visits.* EXCLUDE (event_id),
        LAST_VALUE(event_id IGNORE NULLS) OVER (
            PARTITION BY person_id
            ORDER BY at, is_sale, page_id, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS event_id
    FROM visits
),

visit_matches AS (
    SELECT
        sales.order_id,
        sales.line_no,
        heads.*
    FROM latest_visits AS sales
    INNER JOIN heads USING (event_id)
    WHERE
        sales.is_sale
        AND heads.occurred_at >= sales.at - $head_lookback_hours * INTERVAL '1' HOUR
        AND DATE_DIFF('day', heads.dt, sales.dt) <= CEIL($head_lookback_hours / 24) + $max_payment_delay_days + 1
)

SELECT
    sales.* EXCLUDE (match_until),
    COALESCE(matches.matched_by, CASE WHEN visit.event_id IS NOT NULL THEN 'visit' END, 'none') AS matched_by,
    COALESCE(matches.event_id, visit.event_id) AS matched_event_id,
    COALESCE(candidates.entrance_id, visit.entrance_id, '(unattributed)') AS entrance_id,
    COALESCE(candidates.head_event_id, visit.event_id) AS head_event_id,
    COALESCE(candidates.head_page_type, visit.page_type, '(none)') AS head_page_type,
    COALESCE(candidates.head_module, visit.module, '(none)') AS head_module,
    COALESCE(candidates.head_slot, visit.slot, 0) AS head_slot,
    COALESCE(candidates.head_content_id, visit.content_id, '(none)') AS head_content_id
FROM sales
LEFT JOIN matches USING (order_id, line_no)
LEFT JOIN candidates ON candidates.event_id = matches.event_id
LEFT JOIN visit_matches AS visit USING (order_id, line_no)
