-- Fold every answer into one row per person. A good value is never overwritten by a missing one: each field is the
-- newest that is not NULL; what belongs to an address (status, type, key) comes from the answer that gave it.
MERGE enriched.contact AS t
USING (
  WITH reveal AS (
    SELECT
      person_key AS npi,
      request_key,
      responded_at,
      NULLIF(LOWER(TRIM(JSON_VALUE(body, '$.data.email'))), '') AS email,
      JSON_VALUE(body, '$.data.email_status') AS email_status,
      JSON_VALUE(body, '$.data.email_type') AS email_type,
      NULLIF(JSON_VALUE(body, '$.data.linkedin_profile_url'), '') AS linkedin_url,
      NULLIF(JSON_VALUE(body, '$.data.title'), '') AS title,
      CASE  -- what cannot be dialled is no number
        WHEN REGEXP_CONTAINS(JSON_VALUE(body, '$.data.phones[0].number'), r'^\s*\+') THEN REGEXP_EXTRACT(
          CONCAT('+', REGEXP_REPLACE(JSON_VALUE(body, '$.data.phones[0].number'), r'[^0-9]', '')), r'^(\+[1-9][0-9]{7,14})$'
        )
        ELSE REGEXP_EXTRACT(
          REGEXP_REPLACE(REGEXP_REPLACE(JSON_VALUE(body, '$.data.phones[0].number'), r'[^0-9]', ''), r'^1?([2-9][0-9]{9})$', r'+1\1'),
          r'^(\+1[0-9]{10})$'
        )
      END AS phone
    FROM raw.vendor_response
    WHERE vendor = 'wiza' AND operation = 'individual_reveal' AND status = 'responded'
  ),
  address AS (
    SELECT npi, email, email_status, email_type, request_key, responded_at
    FROM reveal
    WHERE email IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (
      -- one that can be written to before a malformed one, then the newest
      PARTITION BY npi
      ORDER BY REGEXP_CONTAINS(email, r'^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}$') DESC, responded_at DESC, request_key
    ) = 1
  ),
  person AS (
    SELECT
      npi,
      FIRST_VALUE(linkedin_url IGNORE NULLS) OVER newest AS linkedin_url,
      FIRST_VALUE(title IGNORE NULLS) OVER newest AS title,
      FIRST_VALUE(phone IGNORE NULLS) OVER newest AS own_phone
    FROM reveal
    WHERE TRUE  -- BigQuery wants a WHERE, GROUP BY or HAVING beside QUALIFY
    QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY responded_at DESC, request_key) = 1
    WINDOW newest AS (
      PARTITION BY npi ORDER BY responded_at DESC, request_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
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
  )
  SELECT
    person.npi,
    CONCAT('p', SUBSTR(TO_HEX(SHA256(CONCAT('npi:', person.npi))), 1, 20)) AS person_id,
    address.email,
    address.email_status,
    address.email_type,
    IF(address.email IS NULL, NULL, 'wiza') AS email_vendor,
    address.request_key AS email_response_key,
    address.responded_at AS email_fetched_at,
    person.linkedin_url,
    person.title,
    COALESCE(person.own_phone, REGEXP_EXTRACT(provider.phone_e164, r'^(\+[1-9][0-9]{7,14})$')) AS phone_e164,
    line.valid AS phone_valid,
    line.line_type AS phone_line_type,
    line.carrier AS phone_carrier,
    line.request_key AS phone_response_key,
    COALESCE(
      address.email_status = 'valid' AND REGEXP_CONTAINS(address.email, r'^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}$'), FALSE
    ) AS usable_email,
    spend.credits,
    spend.cost_usd
  FROM person
  LEFT JOIN address ON address.npi = person.npi
  LEFT JOIN clean.provider AS provider ON provider.npi = person.npi
  LEFT JOIN line ON line.phone_e164 = COALESCE(person.own_phone, REGEXP_EXTRACT(provider.phone_e164, r'^(\+[1-9][0-9]{7,14})$'))
  JOIN spend ON spend.npi = person.npi
) AS s
ON t.npi = s.npi
WHEN MATCHED AND (
  t.email IS DISTINCT FROM s.email
  OR t.email_status IS DISTINCT FROM s.email_status
  OR t.email_type IS DISTINCT FROM s.email_type
  OR t.email_response_key IS DISTINCT FROM s.email_response_key
  OR t.usable_email IS DISTINCT FROM s.usable_email
  OR t.linkedin_url IS DISTINCT FROM s.linkedin_url
  OR t.title IS DISTINCT FROM s.title
  OR t.phone_e164 IS DISTINCT FROM s.phone_e164
  OR t.phone_valid IS DISTINCT FROM s.phone_valid
  OR t.phone_line_type IS DISTINCT FROM s.phone_line_type
  OR t.phone_carrier IS DISTINCT FROM s.phone_carrier
  OR t.phone_response_key IS DISTINCT FROM s.phone_response_key
  OR t.credits IS DISTINCT FROM s.credits
  OR t.cost_usd IS DISTINCT FROM s.cost_usd
) THEN UPDATE SET
  email = s.email,
  email_status = s.email_status,
  email_type = s.email_type,
  email_vendor = s.email_vendor,
  email_response_key = s.email_response_key,
  email_fetched_at = s.email_fetched_at,
  linkedin_url = s.linkedin_url,
  title = s.title,
  phone_e164 = s.phone_e164,
  phone_valid = s.phone_valid,
  phone_line_type = s.phone_line_type,
  phone_carrier = s.phone_carrier,
  phone_response_key = s.phone_response_key,
  usable_email = s.usable_email,
  credits = s.credits,
  cost_usd = s.cost_usd
WHEN NOT MATCHED BY TARGET THEN INSERT
  (npi, person_id, email, email_status, email_type, email_vendor, email_response_key, email_fetched_at, linkedin_url,
   title, phone_e164, phone_valid, phone_line_type, phone_carrier, phone_response_key, usable_email, credits, cost_usd)
VALUES
  (s.npi, s.person_id, s.email, s.email_status, s.email_type, s.email_vendor, s.email_response_key, s.email_fetched_at,
   s.linkedin_url, s.title, s.phone_e164, s.phone_valid, s.phone_line_type, s.phone_carrier, s.phone_response_key,
   s.usable_email, s.credits, s.cost_usd)
WHEN NOT MATCHED BY SOURCE THEN DELETE
