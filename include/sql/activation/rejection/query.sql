-- @rows: JSON array of the ledger's results; @first_date, @last_date: their span, so that the MERGE reads only those
-- partitions.
-- @rows STRING, @first_date DATE, @last_date DATE.
MERGE activation.rejection AS t
USING (
  SELECT
    JSON_VALUE(r, '$.send_id') AS send_id,
    JSON_VALUE(r, '$.destination') AS destination,
    JSON_VALUE(r, '$.person_id') AS person_id,
    JSON_VALUE(r, '$.payload_hash') AS payload_hash,
    JSON_VALUE(r, '$.operation') AS operation,
    JSON_VALUE(r, '$.code') AS code,
    JSON_VALUE(r, '$.reason') AS reason,
    TIMESTAMP(JSON_VALUE(r, '$.as_of')) AS as_of,
    DATE(TIMESTAMP(JSON_VALUE(r, '$.as_of'))) AS rejected_date
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
  WHERE JSON_VALUE(r, '$.status') = 'rejected'
) AS s
ON t.send_id = s.send_id AND t.rejected_date BETWEEN @first_date AND @last_date
WHEN NOT MATCHED THEN INSERT (send_id, destination, person_id, payload_hash, operation, code, reason, as_of,
  rejected_date)
VALUES (s.send_id, s.destination, s.person_id, s.payload_hash, s.operation, s.code, s.reason, s.as_of, s.rejected_date);
