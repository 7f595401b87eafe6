-- Bring segmented.lead to what clean.provider and enriched.contact imply at @as_of. An older @as_of than the table's
-- own changes nothing. Points: docs/icp-score.md. Specialties that are not in the list (hygienist, assistant,
-- technician, clinic ...) make no lead.
-- @as_of TIMESTAMP.
IF NOT EXISTS (SELECT 1 FROM segmented.lead WHERE as_of > @as_of) THEN
MERGE segmented.lead AS t
USING (
  WITH specialty_points AS (
    SELECT * FROM UNNEST([
      STRUCT('general' AS specialty, 35 AS points),
      STRUCT('orthodontics' AS specialty, 32 AS points),
      STRUCT('pediatric' AS specialty, 32 AS points),
      STRUCT('prosthodontics' AS specialty, 24 AS points),
      STRUCT('periodontics' AS specialty, 24 AS points),
      STRUCT('endodontics' AS specialty, 24 AS points),
      STRUCT('oral_surgery' AS specialty, 20 AS points),
      STRUCT('public_health' AS specialty, 8 AS points),
      STRUCT('anesthesiology' AS specialty, 8 AS points),
      STRUCT('oral_medicine' AS specialty, 8 AS points),
      STRUCT('orofacial_pain' AS specialty, 8 AS points),
      STRUCT('oral_pathology' AS specialty, 5 AS points),
      STRUCT('oral_radiology' AS specialty, 5 AS points)
    ])
  ),
  dentist AS (
    SELECT p.*, sp.points AS specialty_points
    FROM clean.provider AS p
    JOIN specialty_points AS sp ON sp.specialty = p.specialty
    WHERE p.entity_type = 'individual' AND p.is_active
  ),
  practice AS (
    SELECT practice_id, COUNT(*) AS dentists FROM dentist WHERE practice_id IS NOT NULL GROUP BY practice_id
  ),
  organization AS (
    SELECT practice_id, organization_name, npi, enumeration_date, authorized_official_first_name,
      authorized_official_last_name
    FROM clean.provider
    WHERE entity_type = 'organization' AND is_active AND practice_id IS NOT NULL
  ),
  company AS (
    SELECT practice_id, organization_name FROM organization
    WHERE organization_name IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY practice_id ORDER BY enumeration_date, npi) = 1
  ),
  official AS (
    SELECT DISTINCT practice_id, authorized_official_first_name AS first_name, authorized_official_last_name
      AS last_name
    FROM organization
  ),
  usable_email AS (
    SELECT npi FROM enriched.contact WHERE usable_email
  ),
  fact AS (
    SELECT
      d.person_id,
      d.npi,
      d.practice_id,
      c.organization_name AS company_name,
      d.specialty,
      d.specialty_points,
      d.state,
      SUBSTR(d.zip5, 1, 3) AS zip3,
      IFNULL(pr.dentists, 1) AS practice_size,
      -- Whole years: a birthday that has not come yet this year does not count.
      DATE_DIFF(DATE(@as_of), d.enumeration_date, YEAR)
        - IF(FORMAT_DATE('%m%d', DATE(@as_of)) < FORMAT_DATE('%m%d', d.enumeration_date), 1, 0)
          AS years_since_enumeration,
      e.npi IS NOT NULL AS has_email,
      CASE
        WHEN o.practice_id IS NOT NULL THEN 'authorized_official'
        WHEN d.sole_proprietor THEN 'sole_proprietor'
      END AS owner_signal
    FROM dentist AS d
    LEFT JOIN practice AS pr ON pr.practice_id = d.practice_id
    LEFT JOIN company AS c ON c.practice_id = d.practice_id
    LEFT JOIN usable_email AS e ON e.npi = d.npi
    LEFT JOIN official AS o ON o.practice_id = d.practice_id AND o.first_name = d.first_name
      AND o.last_name = d.last_name
  ),
  banded AS (
    SELECT
      *,
      CASE
        WHEN practice_size >= 10 THEN 'large'
        WHEN practice_size >= 5 THEN 'medium'
        WHEN practice_size >= 2 THEN 'small'
        ELSE 'solo'
      END AS practice_size_band
    FROM fact
  ),
  pointed AS (
    SELECT
      *,
      CASE practice_size_band WHEN 'small' THEN 25 WHEN 'medium' THEN 20 WHEN 'solo' THEN 15 ELSE 10 END AS size_points,
      CASE
        WHEN years_since_enumeration IS NULL THEN 0
        WHEN years_since_enumeration < 2 THEN 5
        WHEN years_since_enumeration < 5 THEN 10
        WHEN years_since_enumeration < 15 THEN 15
        ELSE 8
      END AS years_points,
      IF(company_name IS NULL, 0, 5) AS company_points,
      IF(has_email, 10, 0) AS email_points,
      IF(owner_signal IS NULL, 0, 10) AS owner_points
    FROM banded
  )
  SELECT
    person_id,
    npi,
    practice_id,
    company_name,
    specialty,
    state,
    zip3,
    CONCAT(state, '-', zip3) AS segment,
    practice_size,
    practice_size_band,
    years_since_enumeration,
    has_email,
    owner_signal,
    CAST(specialty_points + size_points + years_points + company_points + email_points + owner_points AS FLOAT64)
      AS icp_score,
    [
      CONCAT('specialty:', specialty, '=+', CAST(specialty_points AS STRING)),
      CONCAT('practice_size:', practice_size_band, '=+', CAST(size_points AS STRING)),
      CONCAT('years:', IFNULL(CAST(years_since_enumeration AS STRING), 'unknown'), '=+', CAST(years_points AS STRING)),
      CONCAT('company:', IF(company_name IS NULL, 'none', 'known'), '=+', CAST(company_points AS STRING)),
      CONCAT('email:', IF(has_email, 'valid', 'none'), '=+', CAST(email_points AS STRING)),
      CONCAT('owner:', IFNULL(owner_signal, 'none'), '=+', CAST(owner_points AS STRING))
    ] AS icp_reasons,
    @as_of AS as_of
  FROM pointed
) AS s
ON t.person_id = s.person_id
WHEN MATCHED THEN UPDATE SET
  npi = s.npi,
  practice_id = s.practice_id,
  company_name = s.company_name,
  specialty = s.specialty,
  state = s.state,
  zip3 = s.zip3,
  segment = s.segment,
  practice_size = s.practice_size,
  practice_size_band = s.practice_size_band,
  years_since_enumeration = s.years_since_enumeration,
  has_email = s.has_email,
  owner_signal = s.owner_signal,
  icp_score = s.icp_score,
  icp_reasons = s.icp_reasons,
  as_of = s.as_of
WHEN NOT MATCHED BY TARGET THEN INSERT (
  person_id, npi, practice_id, company_name, specialty, state, zip3, segment, practice_size, practice_size_band,
  years_since_enumeration, has_email, owner_signal, icp_score, icp_reasons, as_of
) VALUES (
  s.person_id, s.npi, s.practice_id, s.company_name, s.specialty, s.state, s.zip3, s.segment, s.practice_size,
  s.practice_size_band, s.years_since_enumeration, s.has_email, s.owner_signal, s.icp_score, s.icp_reasons, s.as_of
)
WHEN NOT MATCHED BY SOURCE THEN DELETE;
END IF;
