-- @rows: JSON array of the ledger's results; @first_date, @last_date: their span, so that the MERGE reads only those
-- partitions. Runs after sync_state and rejection: a send that is here is known to be in all three, so it is never read
-- from the ledger again.
-- @rows STRING, @first_date DATE, @last_date DATE.
MERGE activation.send AS t
USING (
  SELECT
    JSON_VALUE(r, '$.send_id') AS send_id,
    JSON_VALUE(r, '$.destination') AS destination,
    JSON_VALUE(r, '$.person_id') AS person_id,
    JSON_VALUE(r, '$.payload_hash') AS payload_hash,
    JSON_VALUE(r, '$.operation') AS operation,
    JSON_VALUE(r, '$.status') AS status,
    JSON_VALUE(r, '$.remote_id') AS remote_id,
    JSON_VALUE(r, '$.campaign_id') AS campaign_id,
    JSON_VALUE(r, '$.audience_id') AS audience_id,
    JSON_VALUE(r, '$.content_block_id') AS content_block_id,
    TIMESTAMP(JSON_VALUE(r, '$.as_of')) AS as_of,
    DATE(TIMESTAMP(JSON_VALUE(r, '$.as_of'))) AS sent_date,
    TIMESTAMP(JSON_VALUE(r, '$.sent_at')) AS sent_at,
    JSON_VALUE(r, '$.batch_key') AS batch_key
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
) AS s
ON t.send_id = s.send_id AND t.sent_date BETWEEN @first_date AND @last_date
WHEN NOT MATCHED THEN INSERT (
  send_id, destination, person_id, payload_hash, operation, status, remote_id, campaign_id, audience_id,
  content_block_id, as_of, sent_date, sent_at, batch_key
) VALUES (
  s.send_id, s.destination, s.person_id, s.payload_hash, s.operation, s.status, s.remote_id, s.campaign_id,
  s.audience_id, s.content_block_id, s.as_of, s.sent_date, s.sent_at, s.batch_key
);
