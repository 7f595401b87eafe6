-- Addresses worth asking a validator about, in standard form: one row for all spellings of one address. Never asked
-- first, then the ones that most spellings lead to. Not asked: foreign ones that the validator does not know, and lines
-- without a number, which are names of places.
-- @validator STRING usps | addy, @as_of TIMESTAMP, @max_addresses INT64, @max_age_days INT64 (of an answer, found or
-- not).
WITH wanted AS (
  SELECT
    standard_key, delivery_line AS line, unit, urbanization, city, state, COALESCE(zip5, postal_code) AS postal_code,
    country,
    COUNT(*) AS spellings
  FROM clean.address
  WHERE standard_key IS NOT NULL
    AND REGEXP_CONTAINS(delivery_line, r'[0-9]')
    AND (
      (@validator = 'addy' AND country IN ('NZ', 'AU'))
      OR (
        @validator = 'usps' AND country = 'US' AND (city IS NOT NULL OR zip5 IS NOT NULL)
        AND state IN (
          'AA', 'AE', 'AL', 'AK', 'AP', 'AS', 'AZ', 'AR', 'CA', 'CO', 'CT', 'DE', 'DC', 'FM', 'FL', 'GA', 'GU', 'HI',
          'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MH', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO', 'MP', 'MT', 'NE',
          'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PW', 'PA', 'PR', 'RI', 'SC', 'SD', 'TN', 'TX',
          'UT', 'VT', 'VI', 'VA', 'WA', 'WV', 'WI', 'WY'
        )
      )
    )
  GROUP BY standard_key, delivery_line, unit, urbanization, city, state, COALESCE(zip5, postal_code), country
),
answered AS (
  SELECT JSON_VALUE(request, '$.standard_key') AS asked_key, requested_at AS answered_at, request_key AS after
  FROM raw.vendor_response
  WHERE vendor = @validator AND operation = 'address' AND status IN ('responded', 'failed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY JSON_VALUE(request, '$.standard_key') ORDER BY requested_at DESC,
    request_key) = 1
)
SELECT
  wanted.standard_key, wanted.line, wanted.unit, wanted.urbanization, wanted.city, wanted.state, wanted.postal_code,
  wanted.country, answered.after
FROM wanted
LEFT JOIN answered ON answered.asked_key = wanted.standard_key
WHERE answered.answered_at IS NULL OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
ORDER BY answered.answered_at IS NOT NULL, wanted.spellings DESC, wanted.standard_key
LIMIT @max_addresses
