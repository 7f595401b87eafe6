-- Numbers whose line type changes a decision, and is worth its price: the number of exactly one dentist, published at
-- one place, no fax, not toll-free, not known to be invalid. A mobile there is the dentist's own: an identifier of the
-- person, and one that may be texted; a landline is the practice's. For every other number the answer is known without
-- asking. The rows are those of enriched/contact/lookup_candidates.sql, so that TwilioLookupOperator names the same
-- request and a number that another DAG has bought is not bought again.
-- @as_of TIMESTAMP, @max_lookups INT64, @max_age_days INT64, @retry_age_days INT64 (for an answer whose paid part
-- failed for a reason that is not the number's), @resend_unknown BOOL.
WITH published AS (
  SELECT phone_e164
  FROM clean.phone
  WHERE phone_e164 IS NOT NULL
  GROUP BY phone_e164
  HAVING MAX(shared_by) = 1 AND NOT LOGICAL_OR(is_fax) AND NOT LOGICAL_OR(is_toll_free)
    AND NOT LOGICAL_OR(IFNULL(NOT is_valid, FALSE))
),
own AS (
  SELECT phone_e164, MIN(npi) AS npi
  FROM clean.provider
  WHERE entity_type = 'individual' AND phone_e164 IS NOT NULL
  GROUP BY phone_e164
  HAVING COUNT(*) = 1
),
asked AS (
  SELECT JSON_VALUE(request, '$.phone_number') AS asked_phone, status, requested_at, request_key,
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
SELECT own.npi, own.phone_e164, answered.after
FROM published
JOIN own ON own.phone_e164 = published.phone_e164
LEFT JOIN answered ON answered.asked_phone = own.phone_e164
LEFT JOIN outcome_unknown ON outcome_unknown.asked_phone = own.phone_e164
WHERE (
    answered.answered_at IS NULL
    OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
    OR (answered.package_failed AND answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @retry_age_days DAY))
  )
  AND (outcome_unknown.outcome_unknown_at IS NULL OR @resend_unknown
    OR outcome_unknown.outcome_unknown_at < answered.answered_at)
ORDER BY answered.answered_at IS NOT NULL, own.phone_e164
LIMIT @max_lookups
