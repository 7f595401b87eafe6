-- How often each payload was refused by @destination.
-- @destination STRING.
SELECT person_id, payload_hash, COUNT(*) AS times
FROM activation.rejection
WHERE destination = @destination
GROUP BY person_id, payload_hash
