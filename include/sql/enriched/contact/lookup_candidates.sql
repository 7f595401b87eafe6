-- Numbers worth asking Twilio for: npi (the first person with the number), phone_e164, after (key of the answer that
-- grew too old). Only numbers of people with a usable e-mail: nobody else will be contacted.
-- @as_of TIMESTAMP, @max_lookups INT64, @max_age_days INT64, @retry_age_days INT64 (for an answer whose paid part
-- failed for a reason that is not the number's), @resend_unknown BOOL, @phone_order STRING (vendors, with commas).
WITH own_phone AS (
  SELECT npi, phone
  FROM enriched.answer
  WHERE phone IS NOT NULL AND status = 'responded'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY STRPOS(@phone_order, vendor), responded_at DESC, request_key) = 1
),
person AS (
  SELECT DISTINCT npi FROM enriched.answer WHERE usable_email
),
best AS (
  SELECT person.npi, COALESCE(own_phone.phone, REGEXP_EXTRACT(provider.phone_e164, r'^(\+[1-9][0-9]{7,14})$'))
    AS best_phone
  FROM person
  JOIN clean.provider AS provider ON provider.npi = person.npi
  LEFT JOIN own_phone ON own_phone.npi = person.npi
),
number AS (
  SELECT best_phone, MIN(npi) AS npi
  FROM best
  WHERE best_phone IS NOT NULL
  GROUP BY best_phone
),
asked AS (
  SELECT JSON_VALUE(request, '$.phone_number') AS asked_phone, status, requested_at, request_key,
    -- 60600 no coverage, 60601 Canadian without approval: facts about the number
    COALESCE(
      JSON_VALUE(body, '$.line_type_intelligence.error_code') NOT IN ('60600', '60601'), FALSE
    ) AS package_failed
  FROM raw.vendor_response
  WHERE vendor = 'twilio' AND operation = 'line_type_intelligence'
),
answered AS (
  SELECT asked_phone, requested_at AS answered_at, request_key AS after, package_failed
  FROM asked
  WHERE status IN ('responded', 'failed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY asked_phone ORDER BY requested_at DESC, request_key) = 1
),
outcome_unknown AS (
  SELECT asked_phone, MAX(requested_at) AS outcome_unknown_at
  FROM asked
  WHERE status = 'outcome_unknown'
  GROUP BY asked_phone
)
SELECT number.npi, number.best_phone AS phone_e164, answered.after
FROM number
LEFT JOIN answered ON answered.asked_phone = number.best_phone
LEFT JOIN outcome_unknown ON outcome_unknown.asked_phone = number.best_phone
WHERE (
    answered.answered_at IS NULL
    OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
    OR (answered.package_failed AND answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @retry_age_days DAY))
  )
  AND (outcome_unknown.outcome_unknown_at IS NULL OR @resend_unknown
    OR outcome_unknown.outcome_unknown_at < answered.answered_at)
ORDER BY number.best_phone
LIMIT @max_lookups
