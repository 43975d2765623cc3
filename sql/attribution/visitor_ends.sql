/* model
description: >
  The ends of attribution.attributed_events, counted for each person and day, by the slot that gets their credit and the
  product. The daily tables of entrances, slots and products are sums of it.
grain: [dt, person_id, entrance_id, head_page_type, head_module, head_slot, head_content_id, sku]
partition: dt
detail: true
columns:
  dt: {type: DATE, description: business day of the events}
  person_id: {type: VARCHAR, description: as in core.events}
  entrance_id: {type: VARCHAR, description: "entrance that gets the credit; '(direct)' if none was found"}
  head_page_type: {type: VARCHAR, description: "page of the slot; '(none)' if there is no head"}
  head_module: {type: VARCHAR, description: "module of the slot; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: "position in the module, from 1; 0 if there is none"}
  head_content_id: {type: VARCHAR, description: "content that the slot showed; '(none)' if the events name none"}
  sku: {type: VARCHAR, description: product or variant}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  exposures: {type: BIGINT, description: product exposures}
  product_clicks: {type: BIGINT, description: product clicks}
  add_to_carts: {type: BIGINT, description: add-to-carts}
*/
SELECT
    dt,
    person_id,
    entrance_id,
    head_page_type,
    head_module,
    head_slot,
    head_content_id,
    sku,
    MIN(product_id) AS product_id,
    COUNT(*) FILTER (WHERE end_type = 'exposure') AS exposures,
    COUNT(*) FILTER (WHERE end_type = 'click') AS product_clicks,
    COUNT(*) FILTER (WHERE end_type = 'add_to_cart') AS add_to_carts
FROM attribution.attributed_events
WHERE dt BETWEEN $from_dt AND $to_dt
GROUP BY dt, person_id, entrance_id, head_page_type, head_module, head_slot, head_content_id, sku
