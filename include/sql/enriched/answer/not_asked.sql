-- What becomes of every row of clean.provider before anybody is asked: reason, people. The first reason that holds
-- counts, and `candidate` is who may be asked for. The conditions are those of candidates.sql; a test holds the two
-- together.
-- @as_of TIMESTAMP, @max_age_days INT64, @ask_again_days INT64, @vendors INT64 (how many there are),
-- @taxonomy_prefix STRING,
-- @min_icp_score FLOAT64 (who has no score yet is asked for).
WITH organization AS (
  SELECT DISTINCT practice_id
  FROM clean.provider
  WHERE entity_type = 'organization' AND is_active AND practice_id IS NOT NULL AND organization_name IS NOT NULL
),
history AS (
  SELECT
    npi,
    LOGICAL_OR(usable_email AND asked_at >= TIMESTAMP_SUB(@as_of, INTERVAL @max_age_days DAY)) AS is_known,
    COUNT(DISTINCT IF(asked_at >= TIMESTAMP_SUB(@as_of, INTERVAL @ask_again_days DAY), vendor, NULL)) AS vendors_asked
  FROM enriched.answer
  GROUP BY npi
),
suppressed AS (
  SELECT DISTINCT identifier_hash AS person_id
  FROM clean.suppression
  WHERE identifier_type = 'person' AND channel IN ('email', 'all') AND since <= @as_of
),
decided AS (
  SELECT
    CASE
      WHEN person.entity_type != 'individual' THEN 'organization'
      WHEN NOT person.is_active THEN 'inactive'
      WHEN NOT COALESCE(STARTS_WITH(person.taxonomy_code, @taxonomy_prefix), FALSE) THEN 'no_dentist'
      WHEN person.first_name IS NULL OR person.last_name IS NULL THEN 'no_name'
      WHEN suppressed.person_id IS NOT NULL THEN 'suppressed'
      WHEN COALESCE(lead.icp_score, @min_icp_score) < @min_icp_score THEN 'icp_score_too_low'
      WHEN organization.practice_id IS NULL AND (person.city IS NULL OR person.state IS NULL)
        THEN 'no_company_and_no_place'
      WHEN COALESCE(history.is_known, FALSE) THEN 'usable_email_known'
      WHEN COALESCE(history.vendors_asked, 0) >= @vendors THEN 'asked_everywhere'
      ELSE 'candidate'
    END AS reason
  FROM clean.provider AS person
  LEFT JOIN organization ON organization.practice_id = person.practice_id
  LEFT JOIN history ON history.npi = person.npi
  LEFT JOIN suppressed ON suppressed.person_id = person.person_id
  LEFT JOIN segmented.lead AS lead ON lead.npi = person.npi
)
SELECT reason, COUNT(*) AS people
FROM decided
GROUP BY reason
