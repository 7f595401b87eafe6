-- What a block list showed of the addresses that it was told: read again, the newest word stands.
-- @destination STRING, @read_at TIMESTAMP, @rows STRING, a JSON array of email_hash, status, remote_id.
MERGE activation.block_list AS t
USING (
  SELECT JSON_VALUE(r, '$.email_hash') AS email_hash, JSON_VALUE(r, '$.status') AS status,
    JSON_VALUE(r, '$.remote_id') AS remote_id
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
) AS s
ON t.destination = @destination AND t.email_hash = s.email_hash
WHEN MATCHED THEN UPDATE SET status = s.status, remote_id = s.remote_id, read_at = @read_at
WHEN NOT MATCHED THEN INSERT (destination, email_hash, status, remote_id, read_at)
VALUES (@destination, s.email_hash, s.status, s.remote_id, @read_at);
