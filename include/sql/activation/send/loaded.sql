-- Calls of @destination whose results are loaded, and the newest point in time of any send to any destination: the CRM
-- must not lag behind the sender, nor a run of one go back behind a run of the other.
-- @destination STRING.
SELECT
  ARRAY_AGG(DISTINCT IF(destination = @destination, batch_key, NULL) IGNORE NULLS) AS batch_keys,
  MAX(as_of) AS newest_as_of
FROM activation.send
