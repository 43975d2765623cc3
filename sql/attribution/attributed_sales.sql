/* model
description: >
  Every line of a paid order with the event that it came from, and that event's entrance. First an add-to-cart, else a
  product click, of the same person and product: the latest within the cart window, else the first so shortly after the
  order that only the clocks differ. A line without one takes what the largest other line of its order found, else the
  person's latest entrance visit, as far as sales_fallbacks allows.
grain: [order_id, line_no]
partition: dt
reads:
  attribution.attributed_events: cart_window_days + max_payment_delay_days + 1
  core.events: ceil(head_lookback_hours / 24) + max_payment_delay_days + 1
columns:
  order_id: {type: VARCHAR, description: order}
  line_no: {type: INTEGER, description: line within the order}
  person_id: {type: VARCHAR, description: "the order's user; null = not known"}
  sku: {type: VARCHAR, description: "what was bought: a product or a variant of one"}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself; lines and events are matched by it"}
  quantity: {type: INTEGER, description: units}
  revenue: {type: "DECIMAL(18,4)", description: "quantity × unit_price − discount, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: revenue − refunds so far}
  margin: {type: "DECIMAL(18,4)", description: net_revenue − cost; null where the cost is unknown}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  matched_by: {type: VARCHAR, description: "cart or click: of the line's own product; order: by another line of the order; visit: by the person's latest entrance visit; none"}
  matched_event_id: {type: VARCHAR, description: "the add-to-cart or click (order: that of the other line; visit: the head); null = none"}
  entrance_id: {type: VARCHAR, description: "entrance of the matched event; '(unattributed)' without one"}
  head_event_id: {type: VARCHAR, description: its head}
  head_page_type: {type: VARCHAR, description: "page of its head; '(none)' if none"}
  head_module: {type: VARCHAR, description: "module of its head; '(none)' if none"}
  head_slot: {type: INTEGER, description: slot of its head; 0 if none}
  head_content_id: {type: VARCHAR, description: "content of its head; '(none)' if none"}
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
        -- What was put into the cart after payment did not lead to it, whatever the order's clock says.
        LEAST(ordered_at, paid_at) AS match_until,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

sold AS (
    SELECT DISTINCT
        person_id,
        product_id
    FROM sales
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
    SEMI JOIN sold
        ON
            sold.person_id = events.person_id
            AND sold.product_id = events.product_id
    WHERE
        events.dt BETWEEN $from_dt - ($cart_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND events.end_type IN ('add_to_cart', 'click')
),

-- Candidates and sales of one person and product in one order of time, a sale after the candidates of its moment: the
-- last candidate before a sale and the first one after it are all that can match. No pair of them is ever built.
timeline AS (
    SELECT
        person_id,
        product_id,
        occurred_at AS at,
        0 AS is_sale,
        page_id,
        event_id,
        CAST(NULL AS VARCHAR) AS order_id,
        CAST(NULL AS INTEGER) AS line_no,
        CASE WHEN end_type = 'add_to_cart' THEN event_id END AS cart_event_id,
        CASE WHEN end_type = 'click' THEN event_id END AS click_event_id
    FROM candidates
    UNION ALL
    SELECT
        person_id,
        product_id,
        match_until AS at,
        1 AS is_sale,
        CAST(NULL AS BIGINT) AS page_id,
        CAST(NULL AS VARCHAR) AS event_id,
        order_id,
        line_no,
        CAST(NULL AS VARCHAR) AS cart_event_id,
        CAST(NULL AS VARCHAR) AS click_event_id
    FROM sales
    WHERE person_id IS NOT NULL
),

nearest AS (
    SELECT
        is_sale,
        order_id,
        line_no,
        LAST_VALUE(cart_event_id IGNORE NULLS) OVER before_sale AS cart_before,
        FIRST_VALUE(cart_event_id IGNORE NULLS) OVER after_sale AS cart_after,
        LAST_VALUE(click_event_id IGNORE NULLS) OVER before_sale AS click_before,
        FIRST_VALUE(click_event_id IGNORE NULLS) OVER after_sale AS click_after
    FROM timeline
    WINDOW
        before_sale AS (
            PARTITION BY person_id, product_id
            ORDER BY at, is_sale, page_id, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        after_sale AS (
            PARTITION BY person_id, product_id
            ORDER BY at, is_sale, page_id, event_id
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),

choices AS (
    SELECT
        order_id,
        line_no,
        choice,
        CASE choice
            WHEN 1 THEN cart_before
            WHEN 2 THEN cart_after
            WHEN 3 THEN click_before
            ELSE click_after
        END AS event_id
    FROM nearest
    CROSS JOIN UNNEST([1, 2, 3, 4]) AS known(choice)
    WHERE is_sale = 1
),

found AS (
    SELECT
        sales.order_id,
        sales.line_no,
        sales.revenue,
        candidates.end_type,
        candidates.event_id,
        ROW_NUMBER() OVER (PARTITION BY sales.order_id, sales.line_no ORDER BY choices.choice) AS place
    FROM choices
    INNER JOIN sales
        ON
            sales.order_id = choices.order_id
            AND sales.line_no = choices.line_no
    INNER JOIN candidates ON candidates.event_id = choices.event_id
    WHERE
        candidates.occurred_at >= sales.ordered_at - $cart_window_days * INTERVAL '1' DAY
        AND candidates.occurred_at <= sales.match_until + $clock_tolerance_seconds * INTERVAL '1' SECOND
        AND DATE_DIFF('day', candidates.dt, sales.dt) BETWEEN 0 AND $cart_window_days + $max_payment_delay_days + 1
),

own_matches AS (
    SELECT
        order_id,
        line_no,
        CASE end_type WHEN 'add_to_cart' THEN 'cart' ELSE 'click' END AS matched_by,
        event_id AS matched_event_id,
        ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY revenue DESC, line_no) AS place_in_order
    FROM found
    WHERE place = 1
),

unmatched AS (
    SELECT
        sales.order_id,
        sales.line_no,
        sales.person_id,
        sales.match_until,
        sales.dt
    FROM sales
    ANTI JOIN own_matches
        ON
            own_matches.order_id = sales.order_id
            AND own_matches.line_no = sales.line_no
    WHERE sales.person_id IS NOT NULL
),

order_matches AS (
    SELECT
        unmatched.order_id,
        unmatched.line_no,
        own_matches.matched_event_id
    FROM unmatched
    INNER JOIN own_matches ON own_matches.order_id = unmatched.order_id
    WHERE
        own_matches.place_in_order = 1
        AND 'order' IN ($sales_fallbacks)
),

left_over AS (
    SELECT
        unmatched.order_id,
        unmatched.line_no,
        unmatched.person_id,
        unmatched.match_until,
        unmatched.dt
    FROM unmatched
    ANTI JOIN order_matches
        ON
            order_matches.order_id = unmatched.order_id
            AND order_matches.line_no = unmatched.line_no
    WHERE 'visit' IN ($sales_fallbacks)
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
    SEMI JOIN left_over ON left_over.person_id = events.person_id
    WHERE
        events.dt BETWEEN $from_dt - (CEIL($head_lookback_hours / 24) + $max_payment_delay_days + 1) AND $to_dt
        AND events.event_type = 'click'
        AND events.entrance_id IS NOT NULL
),

visits AS (
    SELECT
        person_id,
        occurred_at AS at,
        0 AS is_sale,
        page_id,
        event_id AS head_event_id,
        CAST(NULL AS VARCHAR) AS order_id,
        CAST(NULL AS INTEGER) AS line_no
    FROM heads
    UNION ALL
    SELECT
        person_id,
        match_until AS at,
        1 AS is_sale,
        CAST(NULL AS BIGINT) AS page_id,
        CAST(NULL AS VARCHAR) AS head_event_id,
        order_id,
        line_no
    FROM left_over
),

latest_visits AS (
    SELECT
        order_id,
        line_no,
        is_sale,
        LAST_VALUE(head_event_id IGNORE NULLS) OVER (
            PARTITION BY person_id
            ORDER BY at, is_sale, page_id, head_event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS head_event_id
    FROM visits
),

visit_matches AS (
    SELECT
        left_over.order_id,
        left_over.line_no,
        heads.event_id AS matched_event_id
    FROM left_over
    INNER JOIN latest_visits
        ON
            latest_visits.order_id = left_over.order_id
            AND latest_visits.line_no = left_over.line_no
            AND latest_visits.is_sale = 1
    INNER JOIN heads ON heads.event_id = latest_visits.head_event_id
    WHERE
        heads.occurred_at >= left_over.match_until - $head_lookback_hours * INTERVAL '1' HOUR
        AND DATE_DIFF('day', heads.dt, left_over.dt) <= CEIL($head_lookback_hours / 24) + $max_payment_delay_days + 1
),

matches AS (
    SELECT
        order_id,
        line_no,
        matched_by,
        matched_event_id
    FROM own_matches
    UNION ALL
    SELECT
        order_id,
        line_no,
        'order' AS matched_by,
        matched_event_id
    FROM order_matches
    UNION ALL
    SELECT
        order_id,
        line_no,
        'visit' AS matched_by,
        matched_event_id
    FROM visit_matches
),

credited AS (
    SELECT
        event_id,
        entrance_id,
        head_event_id,
        head_page_type,
        head_module,
        head_slot,
        head_content_id
    FROM candidates
    UNION
    -- A head that is a candidate too is its own head there: the same row.
    SELECT
        event_id,
        entrance_id,
        event_id AS head_event_id,
        page_type AS head_page_type,
        COALESCE(module, '(none)') AS head_module,
        COALESCE(slot, 0) AS head_slot,
        COALESCE(content_id, '(none)') AS head_content_id
    FROM heads
)

SELECT
    sales.order_id,
    sales.line_no,
    sales.person_id,
    sales.sku,
    sales.product_id,
    sales.quantity,
    sales.revenue,
    sales.net_revenue,
    sales.margin,
    sales.ordered_at,
    sales.paid_at,
    COALESCE(matches.matched_by, 'none') AS matched_by,
    matches.matched_event_id,
    COALESCE(credited.entrance_id, '(unattributed)') AS entrance_id,
    credited.head_event_id,
    COALESCE(credited.head_page_type, '(none)') AS head_page_type,
    COALESCE(credited.head_module, '(none)') AS head_module,
    COALESCE(credited.head_slot, 0) AS head_slot,
    COALESCE(credited.head_content_id, '(none)') AS head_content_id,
    sales.dt
FROM sales
LEFT JOIN matches
    ON
        matches.order_id = sales.order_id
        AND matches.line_no = sales.line_no
LEFT JOIN credited ON credited.event_id = matches.matched_event_id
