-- Dentists worth asking Wiza for, best first: npi, full_name, company, after (key of the answer that grew too old).
-- Priority: never asked before asked again; the practice's authorized official (who signs) before its associates;
-- small practices before large ones (the dentist there decides); then the newest record; then the NPI.
-- @as_of TIMESTAMP, @max_contacts INT64, @max_age_days INT64, @resend_in_doubt BOOL: also ask again where the answer
-- never came.
WITH organisation AS (
  -- One company name for a location: its oldest organisation.
  SELECT practice_id, organization_name, authorized_official_first_name, authorized_official_last_name
  FROM clean.provider
  WHERE entity_type = 'organization' AND is_active AND practice_id IS NOT NULL AND organization_name IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY practice_id ORDER BY enumeration_date, npi) = 1
),
practice AS (
  SELECT practice_id, COUNT(*) AS people
  FROM clean.provider
  WHERE entity_type = 'individual' AND is_active
  GROUP BY practice_id
),
asked AS (
  SELECT
    person_key AS npi,
    MAX(IF(status IN ('responded', 'failed'), requested_at, NULL)) AS answered_at,
    MAX(IF(status = 'in_doubt', requested_at, NULL)) AS in_doubt_at,
    ARRAY_AGG(IF(status IN ('responded', 'failed'), request_key, NULL) IGNORE NULLS
      ORDER BY requested_at DESC, request_key LIMIT 1)[SAFE_OFFSET(0)] AS after
  FROM raw.vendor_response
  WHERE vendor = 'wiza' AND operation = 'individual_reveal'
  GROUP BY person_key
),
suppressed AS (
  SELECT identifier_hash
  FROM clean.suppression
  WHERE identifier_type = 'person_id' AND channel IN ('email', 'all') AND since <= @as_of
)
SELECT
  person.npi,
  CONCAT(person.first_name, ' ', person.last_name) AS full_name,
  organisation.organization_name AS company,
  asked.after
FROM clean.provider AS person
JOIN organisation ON organisation.practice_id = person.practice_id
JOIN practice ON practice.practice_id = person.practice_id
LEFT JOIN asked ON asked.npi = person.npi
LEFT JOIN suppressed ON suppressed.identifier_hash = TO_HEX(SHA256(person.person_id))
WHERE person.entity_type = 'individual'
  AND person.is_active
  AND STARTS_WITH(person.taxonomy_code, '1223')  -- dentists; not hygienists, assistants, technicians
  AND person.first_name IS NOT NULL
  AND person.last_name IS NOT NULL
  AND suppressed.identifier_hash IS NULL
  AND (
    asked.answered_at IS NULL
    OR asked.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
  )
  AND (
    asked.in_doubt_at IS NULL
    OR @resend_in_doubt
    OR asked.in_doubt_at < asked.answered_at  -- settled since by a later answer
  )
ORDER BY
  asked.answered_at IS NOT NULL,
  person.first_name = organisation.authorized_official_first_name
    AND person.last_name = organisation.authorized_official_last_name DESC,
  practice.people,
  person.last_update_date DESC,
  person.npi
LIMIT @max_contacts
