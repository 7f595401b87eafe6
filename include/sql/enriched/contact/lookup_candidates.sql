-- Numbers worth asking Twilio for: npi (the first person with the number), phone_e164, after (key of the answer that
-- grew too old). Only numbers of people with a valid e-mail: nobody else will be contacted.
-- @as_of TIMESTAMP, @max_lookups INT64, @max_age_days INT64, @resend_in_doubt BOOL.
WITH reveal AS (
  SELECT
    person_key AS npi,
    JSON_VALUE(body, '$.data.email_status') AS email_status,
    NULLIF(JSON_VALUE(body, '$.data.phones[0].number'), '') AS phone,
    responded_at,
    request_key
  FROM raw.vendor_response
  WHERE vendor = 'wiza' AND operation = 'individual_reveal' AND status = 'responded'
),
person AS (
  SELECT
    npi,
    ARRAY_AGG(phone IGNORE NULLS ORDER BY responded_at DESC, request_key LIMIT 1)[SAFE_OFFSET(0)] AS own_phone
  FROM reveal
  GROUP BY npi
  HAVING COUNTIF(email_status = 'valid') > 0
),
number AS (
  SELECT COALESCE(person.own_phone, provider.phone_e164) AS phone_e164, MIN(person.npi) AS npi
  FROM person
  JOIN clean.provider AS provider ON provider.npi = person.npi
  WHERE COALESCE(person.own_phone, provider.phone_e164) IS NOT NULL
  GROUP BY phone_e164
),
asked AS (
  SELECT
    JSON_VALUE(request, '$.phone_number') AS phone_e164,
    MAX(IF(status IN ('responded', 'failed'), requested_at, NULL)) AS answered_at,
    MAX(IF(status = 'in_doubt', requested_at, NULL)) AS in_doubt_at,
    ARRAY_AGG(IF(status IN ('responded', 'failed'), request_key, NULL) IGNORE NULLS
      ORDER BY requested_at DESC, request_key LIMIT 1)[SAFE_OFFSET(0)] AS after
  FROM raw.vendor_response
  WHERE vendor = 'twilio' AND operation = 'line_type_intelligence'
  GROUP BY phone_e164
)
SELECT number.npi, number.phone_e164, asked.after
FROM number
LEFT JOIN asked ON asked.phone_e164 = number.phone_e164
WHERE (asked.answered_at IS NULL OR asked.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY))
  AND (asked.in_doubt_at IS NULL OR @resend_in_doubt OR asked.in_doubt_at < asked.answered_at)
ORDER BY number.phone_e164
LIMIT @max_lookups
