-- The candidates that no rule refused become clean.provider, and the history of the same NPIs becomes known: keyed
-- replacement of the pending NPIs and of those that the gate has just put into clean.rejected_row, in one transaction
-- with their secondary locations (clean.provider_location) and with the counts.
CREATE TEMP TABLE judged AS
SELECT npi FROM clean.provider_pending
UNION DISTINCT
SELECT row_key FROM clean.rejected_row WHERE table_name = 'clean.provider' AND row_key IS NOT NULL;

-- What the boards say of a provider stays until board.sql looks again.
CREATE TEMP TABLE inactive AS
SELECT npi, inactive_reason FROM clean.provider WHERE inactive_reason IS NOT NULL AND npi IN (SELECT npi FROM judged);

-- Where else they work, as the newest file says that tells of them: one that has the NPI's row and no location says
-- that there is none (any more). `edition` orders files, on the same day the weekly one last.
CREATE TEMP TABLE located AS
WITH version AS (
  SELECT
    npi, kind, file_date, source_object, line, address_key, phone_key,
    CONCAT(CAST(file_date AS STRING), '|', source) AS edition
  FROM clean.provider_version
  WHERE kind IN ('dental', 'location') AND npi IN (SELECT npi FROM judged)
),
newest AS (SELECT npi, MAX(edition) AS edition FROM version GROUP BY npi)
SELECT v.npi, v.address_key, a.location_key, a.delivery_line, a.unit, a.city, a.state, a.zip5, f.phone_e164,
  v.file_date, v.source_object, v.line
FROM version AS v
JOIN newest AS n ON n.npi = v.npi AND n.edition = v.edition
JOIN clean.address AS a ON a.address_key = v.address_key
LEFT JOIN clean.phone AS f ON f.phone_key = v.phone_key
WHERE v.kind = 'location'
QUALIFY ROW_NUMBER() OVER (PARTITION BY v.npi, v.address_key ORDER BY v.line) = 1;

BEGIN TRANSACTION;

DELETE FROM clean.provider WHERE npi IN (SELECT npi FROM judged);

INSERT INTO clean.provider (
  npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name,
  brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title,
  taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, address_key, address_line_1_published, address_line_2_published,
  address_parse_level, phone_key, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date,
  reactivation_date, is_active, inactive_reason, changed_on, entity_switched_on, source_file_date, source_object,
  source_line, row_hash
)
SELECT
  c.npi, c.entity_type, c.person_id, c.practice_id, c.first_name, c.last_name, c.credential, c.sex, c.sole_proprietor,
  c.organization_name, c.brand_names, c.former_names, c.authorized_official_first_name, c.authorized_official_last_name,
  c.authorized_official_title, c.taxonomy_code, c.taxonomy_codes, c.taxonomy_is_primary, c.specialty, c.license_number,
  c.license_state, c.address_line_1, c.address_line_2, c.city, c.state, c.zip5, c.zip4, c.country, c.address_key,
  c.address_line_1_published, c.address_line_2_published, c.address_parse_level, c.phone_key, c.phone_e164,
  c.phone_published, c.enumeration_date, c.last_update_date,
  c.deactivation_date, c.reactivation_date, i.inactive_reason IS NULL, i.inactive_reason, c.changed_on,
  c.entity_switched_on, c.source_file_date,
  c.source_object, c.source_line, c.row_hash
FROM clean.provider_candidate AS c
LEFT JOIN inactive AS i ON i.npi = c.npi
LEFT JOIN (SELECT DISTINCT row_key FROM clean.rejected_row WHERE table_name = 'clean.provider') AS r
  ON r.row_key = c.npi
WHERE c.npi IN (SELECT npi FROM judged) AND r.row_key IS NULL;

DELETE FROM clean.provider_location WHERE npi IN (SELECT npi FROM judged);

INSERT INTO clean.provider_location (
  npi, address_key, location_key, address_line_1, address_line_2, city, state, zip5, phone_e164, source_file_date,
  source_object, source_line
)
SELECT
  l.npi, l.address_key, l.location_key, l.delivery_line, l.unit, l.city, l.state, l.zip5, l.phone_e164, l.file_date,
  l.source_object, l.line
FROM located AS l JOIN clean.provider AS p ON p.npi = l.npi;

DELETE FROM clean.provider_history WHERE npi IN (SELECT npi FROM clean.provider_pending);

INSERT INTO clean.provider_history (
  npi, valid_from, valid_to, status, ended_by, entity_type, person_id, practice_id, first_name, last_name, credential,
  sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name,
  authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary,
  specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country,
  address_key, phone_e164, phone_published, enumeration_date, deactivation_date, reactivation_date, source_file_date,
  source_object, source_line, row_hash
)
SELECT
  npi, valid_from, valid_to, status, ended_by, entity_type, person_id, practice_id, first_name, last_name, credential,
  sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name,
  authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary,
  specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country,
  address_key, phone_e164, phone_published, enumeration_date, deactivation_date, reactivation_date, source_file_date,
  source_object, source_line, row_hash
FROM clean.provider_history_candidate;

DELETE FROM ops.balance WHERE (table_name = 'clean.provider' AND kind != 'out')
  OR table_name = 'clean.provider_location';

-- Every version is counted once: the rows of an NPI beyond its first one as `superseded_or_repeated`, the NPI by what
-- became of it. Those that are out are counted by board.sql.
INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider', 'in', 'clean.provider_version', IFNULL(SUM(kept_rows), 0) FROM ops.mapped_slice
UNION ALL
SELECT 'clean.provider', 'filtered', 'superseded_or_repeated', COUNT(*) - COUNT(DISTINCT npi)
  FROM clean.provider_version
WHERE kind NOT IN ('names', 'location')
UNION ALL
SELECT 'clean.provider', 'filtered', status, COUNT(*) FROM clean.provider_history WHERE valid_to IS NULL
  AND status != 'active' GROUP BY status
UNION ALL
-- A row that breaks two rules is one rejected row: it counts under the first.
SELECT 'clean.provider', 'rejected', rule, COUNT(*)
FROM (SELECT row_key, MIN(rule) AS rule FROM clean.rejected_row WHERE table_name = 'clean.provider' GROUP BY row_key)
GROUP BY rule
UNION ALL
SELECT 'clean.provider_location', 'in', 'clean.provider_version', COUNT(*) FROM clean.provider_version
  WHERE kind = 'location'
UNION ALL
SELECT 'clean.provider_location', 'out', 'clean.provider_location', COUNT(*) FROM clean.provider_location
UNION ALL
SELECT 'clean.provider_location', 'filtered', IF(p.npi IS NULL, 'provider_not_served',
  'superseded_or_repeated') AS left_out, COUNT(*)
FROM clean.provider_version AS v
LEFT JOIN clean.provider_location AS l
  ON l.npi = v.npi AND l.source_file_date = v.file_date AND l.source_object = v.source_object AND l.source_line = v.line
LEFT JOIN clean.provider AS p ON p.npi = v.npi
WHERE v.kind = 'location' AND l.npi IS NULL
GROUP BY left_out;

DELETE FROM clean.provider_history_candidate WHERE TRUE;

DELETE FROM clean.provider_pending WHERE TRUE;

COMMIT TRANSACTION;
