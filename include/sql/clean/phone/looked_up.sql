-- Fold Twilio's answers into clean.phone, whoever asked: validity from the newest answer, line type and carrier from
-- the newest one that has them. An answer is about a number, so every published form of it gets the same.
MERGE clean.phone AS t
USING (
  WITH answer AS (
    SELECT
      JSON_VALUE(request, '$.phone_number') AS asked_phone,
      LOWER(JSON_VALUE(body, '$.valid')) = 'true' AS is_valid,
      JSON_VALUE(body, '$.line_type_intelligence.type') AS line_type,
      JSON_VALUE(body, '$.line_type_intelligence.carrier_name') AS carrier,
      responded_at,
      request_key
    FROM raw.vendor_response
    WHERE vendor = 'twilio' AND operation IN ('validation', 'line_type_intelligence') AND status = 'responded'
  ),
  newest AS (
    SELECT asked_phone, is_valid, responded_at, request_key
    FROM answer
    WHERE TRUE -- BigQuery takes no QUALIFY without it
    QUALIFY ROW_NUMBER() OVER (PARTITION BY asked_phone ORDER BY responded_at DESC, request_key) = 1
  ),
  line AS (
    SELECT asked_phone, line_type, carrier, request_key
    FROM answer
    WHERE line_type IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY asked_phone ORDER BY responded_at DESC, request_key) = 1
  )
  SELECT
    p.phone_key, newest.is_valid, line.line_type, line.carrier, newest.responded_at AS looked_up_at,
    COALESCE(line.request_key, newest.request_key) AS response_key
  FROM clean.phone AS p
  LEFT JOIN newest ON newest.asked_phone = p.phone_e164
  LEFT JOIN line ON line.asked_phone = p.phone_e164
) AS s
ON t.phone_key = s.phone_key
WHEN MATCHED AND (
  t.is_valid IS DISTINCT FROM s.is_valid
  OR t.line_type IS DISTINCT FROM s.line_type
  OR t.carrier IS DISTINCT FROM s.carrier
  OR t.looked_up_at IS DISTINCT FROM s.looked_up_at
  OR t.response_key IS DISTINCT FROM s.response_key
) THEN UPDATE SET
  is_valid = s.is_valid,
  line_type = s.line_type,
  carrier = s.carrier,
  looked_up_at = s.looked_up_at,
  response_key = s.response_key
