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
answered AS (
  SELECT person_key AS npi, requested_at AS answered_at, request_key AS after
  FROM raw.vendor_response
  WHERE vendor = 'wiza' AND operation = 'individual_reveal' AND status IN ('responded', 'failed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_key ORDER BY requested_at DESC, request_key) = 1
),
in_doubt AS (
  SELECT person_key AS npi, MAX(requested_at) AS in_doubt_at
  FROM raw.vendor_response
  WHERE vendor = 'wiza' AND operation = 'individual_reveal' AND status = 'in_doubt'
  GROUP BY person_key
),
suppressed AS (
  -- By person only: an address that bounced is a reason to ask for another.
  SELECT identifier_hash AS person_id
  FROM clean.suppression
  WHERE identifier_type = 'person' AND channel IN ('email', 'all') AND since <= @as_of
)
SELECT
  person.npi,
  CONCAT(person.first_name, ' ', person.last_name) AS full_name,
  organisation.organization_name AS company,
  answered.after
FROM clean.provider AS person
JOIN organisation ON organisation.practice_id = person.practice_id
JOIN practice ON practice.practice_id = person.practice_id
LEFT JOIN answered ON answered.npi = person.npi
LEFT JOIN in_doubt ON in_doubt.npi = person.npi
LEFT JOIN suppressed ON suppressed.person_id = person.person_id
WHERE person.entity_type = 'individual'
  AND person.is_active
  AND STARTS_WITH(person.taxonomy_code, '1223')  -- dentists; not hygienists, assistants, technicians
  AND person.first_name IS NOT NULL
  AND person.last_name IS NOT NULL
  AND suppressed.person_id IS NULL
  AND (
    answered.answered_at IS NULL
    OR answered.answered_at < TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)
  )
  AND (
    in_doubt.in_doubt_at IS NULL
    OR @resend_in_doubt
    OR in_doubt.in_doubt_at < answered.answered_at  -- settled since by a later answer
  )
ORDER BY
  answered.answered_at IS NOT NULL,
  COALESCE(
    person.first_name = organisation.authorized_official_first_name
      AND person.last_name = organisation.authorized_official_last_name,
    FALSE
  ) DESC,
  practice.people,
  person.last_update_date DESC,
  person.npi
LIMIT @max_contacts
