-- One row per person out of enriched.answer. A good value is never overwritten by a missing or a worse one: of the
-- e-mails the usable ones come first, of those the ones young enough, then the vendors in the declared order, then the
-- newest. What belongs to a value (status, type, vendor, key, time, cost) comes from the answer that gave it.
-- @as_of TIMESTAMP; @email_order STRING, @phone_order STRING, @linkedin_order STRING (vendors, with commas);
-- @max_age_days INT64;
-- @stale_after_days INT64: an address that old is no longer usable, whatever its vendor said.
MERGE enriched.contact AS t
USING (
  WITH answer AS (
    SELECT * FROM enriched.answer WHERE status = 'responded'
  ),
  address AS (
    SELECT *
    FROM answer
    WHERE email IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY npi
      ORDER BY
        usable_email DESC,
        responded_at >= TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY) DESC,
        CASE email_verification WHEN 'risky' THEN 0 WHEN 'role' THEN 1 WHEN 'malformed' THEN 2 ELSE 3 END,
        STRPOS(@email_order, vendor),
        responded_at DESC,
        request_key
    ) = 1
  ),
  own_phone AS (
    SELECT npi, phone, vendor, request_key, responded_at
    FROM answer
    WHERE phone IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY STRPOS(@phone_order, vendor), responded_at DESC,
      request_key) = 1
  ),
  profile AS (
    SELECT npi, linkedin_url, vendor, request_key, responded_at, IF(email IS NULL, cost_usd, 0) AS cost_usd
    FROM answer
    WHERE linkedin_url IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY STRPOS(@linkedin_order, vendor), responded_at DESC,
      request_key) = 1
  ),
  titled AS (
    SELECT npi, title
    FROM answer
    WHERE title IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY responded_at DESC, request_key) = 1
  ),
  line AS (
    SELECT
      JSON_VALUE(request, '$.phone_number') AS phone_e164,
      request_key,
      LOWER(JSON_VALUE(body, '$.valid')) = 'true' AS valid,
      JSON_VALUE(body, '$.line_type_intelligence.type') AS line_type,
      JSON_VALUE(body, '$.line_type_intelligence.carrier_name') AS carrier
    FROM raw.vendor_response
    WHERE vendor = 'twilio' AND operation = 'line_type_intelligence' AND status = 'responded'
    QUALIFY ROW_NUMBER() OVER (
      -- an answer with a line type before one without, then the newest
      PARTITION BY JSON_VALUE(request, '$.phone_number')
      ORDER BY JSON_VALUE(body, '$.line_type_intelligence.type') IS NULL, responded_at DESC, request_key
    ) = 1
  ),
  spend AS (
    SELECT person_key AS npi, SUM(credits) AS credits, SUM(cost_usd) AS cost_usd
    FROM raw.vendor_response
    WHERE person_key IS NOT NULL
    GROUP BY person_key
  ),
  person AS (
    SELECT DISTINCT npi FROM answer
  ),
  numbered AS (
    SELECT
      person.npi,
      COALESCE(own_phone.phone, REGEXP_EXTRACT(provider.phone_e164, r'^(\+[1-9][0-9]{7,14})$')) AS phone_e164,
      CASE
        WHEN own_phone.phone IS NOT NULL THEN own_phone.vendor
        WHEN REGEXP_CONTAINS(provider.phone_e164, r'^\+[1-9][0-9]{7,14}$') THEN 'registry'
      END AS phone_vendor,
      own_phone.request_key AS phone_source_key,
      own_phone.responded_at AS phone_fetched_at
    FROM person
    LEFT JOIN own_phone ON own_phone.npi = person.npi
    LEFT JOIN clean.provider AS provider ON provider.npi = person.npi
  )
  SELECT
    person.npi,
    CONCAT('p', SUBSTR(TO_HEX(SHA256(CONCAT('npi:', person.npi))), 1, 20)) AS person_id,
    address.email,
    address.email_status,
    address.email_type,
    address.vendor AS email_vendor,
    address.request_key AS email_response_key,
    address.responded_at AS email_fetched_at,
    address.email_confidence,
    address.cost_usd AS email_cost_usd,
    IF(
      address.usable_email AND address.responded_at < TIMESTAMP_SUB(@as_of, INTERVAL @stale_after_days DAY),
      'stale',
      address.email_verification
    ) AS email_verification,
    profile.linkedin_url,
    profile.vendor AS linkedin_vendor,
    profile.request_key AS linkedin_response_key,
    profile.responded_at AS linkedin_fetched_at,
    profile.cost_usd AS linkedin_cost_usd,
    titled.title,
    numbered.phone_e164,
    numbered.phone_vendor,
    numbered.phone_source_key,
    numbered.phone_fetched_at,
    line.valid AS phone_valid,
    line.line_type AS phone_line_type,
    line.carrier AS phone_carrier,
    line.request_key AS phone_response_key,
    COALESCE(
      address.usable_email AND address.responded_at >= TIMESTAMP_SUB(@as_of, INTERVAL @stale_after_days DAY), FALSE
    ) AS usable_email,
    spend.credits,
    spend.cost_usd
  FROM person
  JOIN numbered ON numbered.npi = person.npi
  LEFT JOIN address ON address.npi = person.npi
  LEFT JOIN profile ON profile.npi = person.npi
  LEFT JOIN titled ON titled.npi = person.npi
  LEFT JOIN line ON line.phone_e164 = numbered.phone_e164
  JOIN spend ON spend.npi = person.npi
) AS s
ON t.npi = s.npi
WHEN MATCHED AND (
  t.email IS DISTINCT FROM s.email
  OR t.email_status IS DISTINCT FROM s.email_status
  OR t.email_type IS DISTINCT FROM s.email_type
  OR t.email_vendor IS DISTINCT FROM s.email_vendor
  OR t.email_response_key IS DISTINCT FROM s.email_response_key
  OR t.email_fetched_at IS DISTINCT FROM s.email_fetched_at
  OR t.email_confidence IS DISTINCT FROM s.email_confidence
  OR t.email_cost_usd IS DISTINCT FROM s.email_cost_usd
  OR t.email_verification IS DISTINCT FROM s.email_verification
  OR t.linkedin_url IS DISTINCT FROM s.linkedin_url
  OR t.linkedin_vendor IS DISTINCT FROM s.linkedin_vendor
  OR t.linkedin_response_key IS DISTINCT FROM s.linkedin_response_key
  OR t.linkedin_fetched_at IS DISTINCT FROM s.linkedin_fetched_at
  OR t.linkedin_cost_usd IS DISTINCT FROM s.linkedin_cost_usd
  OR t.title IS DISTINCT FROM s.title
  OR t.phone_e164 IS DISTINCT FROM s.phone_e164
  OR t.phone_vendor IS DISTINCT FROM s.phone_vendor
  OR t.phone_source_key IS DISTINCT FROM s.phone_source_key
  OR t.phone_fetched_at IS DISTINCT FROM s.phone_fetched_at
  OR t.phone_valid IS DISTINCT FROM s.phone_valid
  OR t.phone_line_type IS DISTINCT FROM s.phone_line_type
  OR t.phone_carrier IS DISTINCT FROM s.phone_carrier
  OR t.phone_response_key IS DISTINCT FROM s.phone_response_key
  OR t.usable_email IS DISTINCT FROM s.usable_email
  OR t.credits IS DISTINCT FROM s.credits
  OR t.cost_usd IS DISTINCT FROM s.cost_usd
) THEN UPDATE SET
  email = s.email,
  email_status = s.email_status,
  email_type = s.email_type,
  email_vendor = s.email_vendor,
  email_response_key = s.email_response_key,
  email_fetched_at = s.email_fetched_at,
  email_confidence = s.email_confidence,
  email_cost_usd = s.email_cost_usd,
  email_verification = s.email_verification,
  linkedin_url = s.linkedin_url,
  linkedin_vendor = s.linkedin_vendor,
  linkedin_response_key = s.linkedin_response_key,
  linkedin_fetched_at = s.linkedin_fetched_at,
  linkedin_cost_usd = s.linkedin_cost_usd,
  title = s.title,
  phone_e164 = s.phone_e164,
  phone_vendor = s.phone_vendor,
  phone_source_key = s.phone_source_key,
  phone_fetched_at = s.phone_fetched_at,
  phone_valid = s.phone_valid,
  phone_line_type = s.phone_line_type,
  phone_carrier = s.phone_carrier,
  phone_response_key = s.phone_response_key,
  usable_email = s.usable_email,
  credits = s.credits,
  cost_usd = s.cost_usd
WHEN NOT MATCHED BY TARGET THEN INSERT (
  npi, person_id, email, email_status, email_type, email_vendor, email_response_key, email_fetched_at, email_confidence,
  email_cost_usd, email_verification, linkedin_url, linkedin_vendor, linkedin_response_key, linkedin_fetched_at,
  linkedin_cost_usd, title, phone_e164, phone_vendor, phone_source_key, phone_fetched_at, phone_valid, phone_line_type,
  phone_carrier, phone_response_key, usable_email, credits, cost_usd
) VALUES (
  s.npi, s.person_id, s.email, s.email_status, s.email_type, s.email_vendor, s.email_response_key, s.email_fetched_at,
  s.email_confidence, s.email_cost_usd, s.email_verification, s.linkedin_url, s.linkedin_vendor,
  s.linkedin_response_key, s.linkedin_fetched_at, s.linkedin_cost_usd, s.title, s.phone_e164, s.phone_vendor,
  s.phone_source_key, s.phone_fetched_at, s.phone_valid, s.phone_line_type, s.phone_carrier, s.phone_response_key,
  s.usable_email, s.credits, s.cost_usd
)
WHEN NOT MATCHED BY SOURCE THEN DELETE
