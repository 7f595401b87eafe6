-- What was known of each lead at @as_of; replaces the rows of exactly that as_of.
-- Registry and contact facts are those of now: where segmented.lead is already newer than @as_of they may be of a later
-- day, so an older @as_of writes nothing and an old snapshot stays as it was. Engagement counts only events strictly
-- before @as_of.
-- @as_of TIMESTAMP.
IF NOT EXISTS (SELECT 1 FROM segmented.lead WHERE as_of > @as_of) THEN
BEGIN TRANSACTION;

DELETE FROM features.lead WHERE as_of = @as_of;

INSERT INTO features.lead (
  person_id, as_of, specialty, taxonomy_code, taxonomy_count, state, zip3, credential, sex, is_sole_proprietor,
  has_license, years_since_enumeration, practice_size, practice_organizations, email_status, email_type,
  phone_line_type, icp_score, emails_sent, emails_opened, emails_clicked, emails_replied
)
WITH practice AS (
  SELECT
    practice_id,
    COUNTIF(entity_type = 'individual') AS individuals,
    COUNTIF(entity_type = 'organization') AS organizations
  FROM clean.provider
  WHERE is_active AND practice_id IS NOT NULL
  GROUP BY practice_id
),
engagement AS (
  SELECT
    person_id,
    COUNTIF(canonical_type = 'email_sent') AS emails_sent,
    COUNTIF(canonical_type = 'email_opened') AS emails_opened,
    COUNTIF(canonical_type = 'email_clicked') AS emails_clicked,
    COUNTIF(canonical_type = 'email_replied') AS emails_replied
  FROM clean.event
  WHERE occurred_at < @as_of AND occurred_at >= TIMESTAMP_SUB(@as_of, INTERVAL 365 DAY) AND person_id IS NOT NULL
  GROUP BY person_id
)
SELECT
  l.person_id,
  @as_of,
  p.specialty,
  p.taxonomy_code,
  ARRAY_LENGTH(p.taxonomy_codes),
  p.state,
  SUBSTR(p.zip5, 1, 3),
  p.credential,
  p.sex,
  p.sole_proprietor,
  p.license_number IS NOT NULL,
  ROUND(DATE_DIFF(DATE(@as_of), p.enumeration_date, DAY) / 365.25, 2),
  IFNULL(pr.individuals, 1),
  IFNULL(pr.organizations, 0),
  c.email_status,
  c.email_type,
  c.phone_line_type,
  l.icp_score,
  IFNULL(e.emails_sent, 0),
  IFNULL(e.emails_opened, 0),
  IFNULL(e.emails_clicked, 0),
  IFNULL(e.emails_replied, 0)
FROM segmented.lead AS l
JOIN clean.provider AS p ON p.npi = l.npi
LEFT JOIN practice AS pr ON pr.practice_id = p.practice_id
LEFT JOIN enriched.contact AS c ON c.npi = l.npi
LEFT JOIN engagement AS e ON e.person_id = l.person_id;

COMMIT TRANSACTION;
END IF;
