-- Numbers worth asking Twilio for: npi (the first person with the number), phone_e164, after (key of the answer that
-- grew too old). Only numbers of people with a valid e-mail: nobody else will be contacted.
-- @as_of TIMESTAMP, @max_lookups INT64, @max_age_days INT64, @retry_age_days INT64 (for an answer whose paid part
-- failed for a reason that is not the number's), @resend_in_doubt BOOL.
WITH reveal AS (
  SELECT
    person_key AS npi,
    JSON_VALUE(body, '$.data.email_status') AS email_status,
    CASE  -- what cannot be dialled is no number
      WHEN REGEXP_CONTAINS(JSON_VALUE(body, '$.data.phones[0].number'), r'^\s*\+') THEN REGEXP_EXTRACT(
        CONCAT('+', REGEXP_REPLACE(JSON_VALUE(body, '$.data.phones[0].number'), r'[^0-9]', '')), r'^(\+[1-9][0-9]{7,14})$'
      )
      ELSE REGEXP_EXTRACT(
        REGEXP_REPLACE(REGEXP_REPLACE(JSON_VALUE(body, '$.data.phones[0].number'), r'[^0-9]', ''), r'^1?([2-9][0-9]{9})$', r'+1\1'),
        r'^(\+1[0-9]{10})$'
      )
    END AS phone,
    responded_at,
    request_key
  FROM raw.vendor_response
  WHERE vendor = 'wiza' AND operation = 'individual_reveal' AND status = 'responded'
),
person AS (
  SELECT
    npi,
    FIRST_VALUE(phone IGNORE NULLS) OVER newest AS own_phone,
    COUNTIF(email_status = 'valid') OVER newest AS valid_emails
  FROM reveal
  WHERE TRUE  -- BigQuery wants a WHERE, GROUP BY or HAVING beside QUALIFY
  QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY responded_at DESC, request_key) = 1
  WINDOW newest AS (
    PARTITION BY npi ORDER BY responded_at DESC, request_key
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
),
best AS (
  SELECT person.npi, COALESCE(person.own_phone, REGEXP_EXTRACT(provider.phone_e164, r'^(\+[1-9][0-9]{7,14})$')) AS best_phone
  FROM person
  JOIN clean.provider AS provider ON provider.npi = person.npi
  WHERE person.valid_emails > 0
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
in_doubt AS (
  SELECT asked_phone, MAX(requested_at) AS in_doubt_at
  FROM asked
  WHERE status = 'in_doubt'
  GROUP BY asked_phone
)
SELECT number.npi, number.best_phone AS phone_e164, answered.after
FROM number
LEFT JOIN answered ON answered.asked_phone = number.best_phone
LEFT JOIN in_doubt ON in_doubt.asked_phone = number.best_phone
WHERE (
    answered.answered_at IS NULL
    OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
    OR (answered.package_failed AND answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @retry_age_days DAY))
  )
  AND (in_doubt.in_doubt_at IS NULL OR @resend_in_doubt OR in_doubt.in_doubt_at < answered.answered_at)
ORDER BY number.best_phone
LIMIT @max_lookups
