-- Numbers worth a validation, which is free: those that can be dialed and about which Twilio has said nothing yet, or
-- long ago. A look-up of the line type tells validity too, so a number that has one is left out.
-- @as_of TIMESTAMP, @max_phones INT64, @max_age_days INT64.
WITH answered AS (
  SELECT
    JSON_VALUE(request, '$.phone_number') AS asked_phone,
    MAX(requested_at) AS answered_at,
    MAX_BY(request_key, IF(operation = 'validation', requested_at, NULL)) AS after
  FROM raw.vendor_response
  WHERE vendor = 'twilio' AND status IN ('responded', 'failed')
  GROUP BY asked_phone
)
SELECT phone.phone_e164, answered.after
FROM (SELECT DISTINCT phone_e164 FROM clean.phone WHERE phone_e164 IS NOT NULL) AS phone
LEFT JOIN answered ON answered.asked_phone = phone.phone_e164
WHERE answered.answered_at IS NULL OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
ORDER BY answered.answered_at IS NOT NULL, phone.phone_e164
LIMIT @max_phones
