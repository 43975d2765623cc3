/* model
description: The touch models and the types of touchpoints that each of them credits.
grain: [model, touchpoint_type]
columns:
  model: {type: VARCHAR, description: "first, last, linear, position_based, time_decay, markov or shapley"}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
*/
SELECT
    model,
    touchpoint_type
FROM
    UNNEST(['first', 'last', 'linear', 'position_based', 'time_decay', 'markov', 'shapley']) AS models(model)
CROSS JOIN UNNEST(['entrance', 'slot', 'channel', 'campaign']) AS types(touchpoint_type)
