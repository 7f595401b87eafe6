-- Dentists whose e-mail is not known and who may be asked for, best first, with what each vendor answered before.
-- npi, full_name, first_name, last_name, company (NULL where no organization is registered at the place), city, state,
-- segment (solo | small | group), answers (JSON array of vendor, status, usable, asked_at, request_key).
-- Who has no company can be asked for by name, city and state, where a vendor can answer that. Who is left out, and
-- why, is counted by not_asked.sql, which has the same conditions.
-- Priority: never asked before asked again; with a company before without one, whom fewer vendors can find; the
-- practice's authorized official (who signs) before its associates; small practices before large ones (the dentist
-- there decides); then the newest record; then the NPI.
-- @as_of TIMESTAMP, @max_people INT64, @max_age_days INT64, @ask_again_days INT64, @vendors INT64 (how many there are),
-- @taxonomy_prefix STRING, @min_icp_score FLOAT64 (who has no score yet is asked for).
WITH organization AS (
  -- One company name for a location: its oldest organization.
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
history AS (
  SELECT
    npi,
    TO_JSON_STRING(ARRAY_AGG(STRUCT(
      vendor AS vendor, status AS status, usable_email AS usable,
        FORMAT_TIMESTAMP('%FT%H:%M:%E6S+00:00', asked_at) AS asked_at, request_key AS request_key
    ) ORDER BY asked_at, request_key)) AS answers,
    LOGICAL_OR(usable_email AND asked_at >= TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)) AS is_known,
    COUNT(DISTINCT IF(asked_at >= TIMESTAMP_SUB(@as_of, INTERVAL @ask_again_days DAY), vendor, NULL)) AS vendors_asked
  FROM enriched.answer
  GROUP BY npi
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
  person.first_name,
  person.last_name,
  organization.organization_name AS company,
  person.city,
  person.state,
  CASE WHEN IFNULL(practice.people, 1) = 1 THEN 'solo' WHEN practice.people <= 4 THEN 'small' ELSE 'group' END
    AS segment,
  COALESCE(history.answers, '[]') AS answers
FROM clean.provider AS person
LEFT JOIN organization ON organization.practice_id = person.practice_id
LEFT JOIN practice ON practice.practice_id = person.practice_id
LEFT JOIN history ON history.npi = person.npi
LEFT JOIN suppressed ON suppressed.person_id = person.person_id
LEFT JOIN segmented.lead AS lead ON lead.npi = person.npi
WHERE person.entity_type = 'individual'
  AND person.is_active
  AND STARTS_WITH(person.taxonomy_code, @taxonomy_prefix)
  AND person.first_name IS NOT NULL
  AND person.last_name IS NOT NULL
  AND suppressed.person_id IS NULL
  AND COALESCE(lead.icp_score, @min_icp_score) >= @min_icp_score
  AND NOT COALESCE(history.is_known, FALSE)
  AND (organization.organization_name IS NOT NULL OR (person.city IS NOT NULL AND person.state IS NOT NULL))
  AND COALESCE(history.vendors_asked, 0) < @vendors
ORDER BY
  history.npi IS NOT NULL,
  organization.organization_name IS NULL,
  COALESCE(
    person.first_name = organization.authorized_official_first_name
      AND person.last_name = organization.authorized_official_last_name,
    FALSE
  ) DESC,
  IFNULL(practice.people, 1),
  person.last_update_date DESC,
  person.npi
LIMIT @max_people
