-- @rows: JSON array of the ledger's results. The newest accepted one of each person is what the destination holds now.
-- @rows STRING.
MERGE activation.sync_state AS t
USING (
  SELECT
    JSON_VALUE(r, '$.destination') AS destination,
    JSON_VALUE(r, '$.person_id') AS person_id,
    JSON_VALUE(r, '$.payload_hash') AS payload_hash,
    JSON_VALUE(r, '$.remote_id') AS remote_id,
    TIMESTAMP(JSON_VALUE(r, '$.as_of')) AS synced_at,
    IF(JSON_VALUE(r, '$.operation') = 'suppress', 'suppressed', 'active') AS status,
    -- The payload travels as text inside the JSON, so that it is stored as it was sent.
    IF(JSON_VALUE(r, '$.operation') = 'suppress', NULL, PARSE_JSON(JSON_VALUE(r, '$.payload'))) AS payload,
    JSON_VALUE(r, '$.campaign_id') AS campaign_id,
    JSON_VALUE(r, '$.audience_id') AS audience_id,
    JSON_VALUE(r, '$.content_block_id') AS content_block_id,
    TIMESTAMP(JSON_VALUE(r, '$.sent_at')) AS sent_at
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
  WHERE JSON_VALUE(r, '$.status') = 'sent'
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY JSON_VALUE(r, '$.destination'), JSON_VALUE(r, '$.person_id')
    ORDER BY TIMESTAMP(JSON_VALUE(r, '$.sent_at')) DESC, JSON_VALUE(r, '$.send_id')
  ) = 1
) AS s
ON t.destination = s.destination AND t.person_id = s.person_id
WHEN MATCHED AND s.sent_at >= t.sent_at THEN UPDATE SET
  payload_hash = s.payload_hash,
  remote_id = s.remote_id,
  synced_at = s.synced_at,
  status = s.status,
  payload = s.payload,
  campaign_id = s.campaign_id,
  audience_id = s.audience_id,
  content_block_id = s.content_block_id,
  sent_at = s.sent_at
WHEN NOT MATCHED THEN INSERT (
  destination, person_id, payload_hash, remote_id, synced_at, status, payload, campaign_id, audience_id,
  content_block_id, sent_at
) VALUES (
  s.destination, s.person_id, s.payload_hash, s.remote_id, s.synced_at, s.status, s.payload, s.campaign_id,
  s.audience_id, s.content_block_id, s.sent_at
);
