-- Rebuild enriched.provider_360: one wide row per active dentist from clean, enriched and segmented as they are. It is
-- read, never folded into: so it is replaced as a whole, in one transaction.
BEGIN TRANSACTION;
DELETE FROM enriched.provider_360 WHERE TRUE;
INSERT INTO enriched.provider_360 (
  npi, person_id, practice_id, first_name, last_name, credential, specialty, taxonomy_code, license_state,
  enumeration_date, address_line_1, city, state, zip5, practice_phone_e164, organization_name, dentists_at_practice,
  email, email_status, email_verification, email_confidence, email_vendor, email_fetched_at, usable_email, linkedin_url,
  title, phone_e164, phone_vendor, phone_line_type, company_domain, industry, employees, founded_year, revenue, segment,
  practice_size_band, owner_signal, icp_score, suppressed_channels, enrichment_usd
)
WITH organization AS (
  -- One company name for a location: its oldest organization.
  SELECT practice_id, organization_name
  FROM clean.provider
  WHERE entity_type = 'organization' AND is_active AND practice_id IS NOT NULL AND organization_name IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY practice_id ORDER BY enumeration_date, npi) = 1
),
practice AS (
  SELECT practice_id, COUNT(*) AS people
  FROM clean.provider
  WHERE entity_type = 'individual' AND is_active AND practice_id IS NOT NULL
  GROUP BY practice_id
),
blocked AS (
  SELECT p.npi, x.channel
  FROM clean.provider AS p
  JOIN clean.suppression AS x ON x.identifier_type = 'person' AND x.identifier_hash = p.person_id
  UNION DISTINCT
  SELECT c.npi, x.channel
  FROM enriched.contact AS c
  JOIN clean.suppression AS x ON x.identifier_type = 'email'
    AND x.identifier_hash = TO_HEX(SHA256(LOWER(TRIM(c.email))))
),
suppressed AS (
  SELECT npi, ARRAY_AGG(channel ORDER BY channel) AS channels FROM blocked GROUP BY npi
)
SELECT
  p.npi,
  p.person_id,
  p.practice_id,
  p.first_name,
  p.last_name,
  p.credential,
  p.specialty,
  p.taxonomy_code,
  p.license_state,
  p.enumeration_date,
  p.address_line_1,
  p.city,
  p.state,
  p.zip5,
  p.phone_e164 AS practice_phone_e164,
  organization.organization_name,
  practice.people AS dentists_at_practice,
  c.email,
  c.email_status,
  c.email_verification,
  c.email_confidence,
  c.email_vendor,
  c.email_fetched_at,
  COALESCE(c.usable_email, FALSE) AS usable_email,
  c.linkedin_url,
  c.title,
  c.phone_e164,
  c.phone_vendor,
  c.phone_line_type,
  f.domain AS company_domain,
  f.industry,
  f.employees,
  f.founded_year,
  f.revenue,
  l.segment,
  l.practice_size_band,
  l.owner_signal,
  l.icp_score,
  COALESCE(s.channels, []) AS suppressed_channels,
  COALESCE(c.cost_usd, 0.0) AS enrichment_usd
FROM clean.provider AS p
LEFT JOIN organization ON organization.practice_id = p.practice_id
LEFT JOIN practice ON practice.practice_id = p.practice_id
LEFT JOIN enriched.contact AS c ON c.npi = p.npi
LEFT JOIN enriched.firmographics AS f ON f.practice_id = p.practice_id
LEFT JOIN segmented.lead AS l ON l.npi = p.npi
LEFT JOIN suppressed AS s ON s.npi = p.npi
WHERE p.entity_type = 'individual' AND p.is_active;
COMMIT TRANSACTION;
