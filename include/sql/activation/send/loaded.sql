-- Calls of @destination whose results are loaded, and the newest point in time of any send.
SELECT ARRAY_AGG(DISTINCT batch_key) AS batch_keys, MAX(as_of) AS newest_as_of
FROM activation.send
WHERE destination = @destination
