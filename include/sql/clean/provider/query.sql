-- The candidates that no rule refused become clean.provider, and the history of the same NPIs becomes known: keyed replacement of the
-- pending NPIs and of those that the gate has just put into clean.rejected_row, in one transaction with the counts.
--
-- A provider whose every licence a board calls deceased, retired or disciplined (surrendered, revoked) stays, as inactive with the
-- reason: who is taken out here could never be matched to a licence again, and would come back.
CREATE TEMP TABLE board AS
SELECT
  npi,
  CASE
    WHEN NOT LOGICAL_AND(status_class IN ('deceased', 'retired', 'disciplined')) THEN NULL
    WHEN LOGICAL_OR(status_class = 'deceased') THEN 'board_deceased'
    WHEN LOGICAL_OR(status_class = 'disciplined') THEN 'board_disciplined'
    ELSE 'board_retired'
  END AS reason
FROM clean.license_match
GROUP BY npi;

CREATE TEMP TABLE judged AS
SELECT npi FROM clean.provider_pending
UNION DISTINCT
SELECT row_key FROM clean.rejected_row WHERE table_name = 'clean.provider' AND row_key IS NOT NULL
UNION DISTINCT
SELECT p.npi FROM clean.provider AS p LEFT JOIN board AS b ON b.npi = p.npi WHERE b.reason IS DISTINCT FROM p.inactive_reason;

BEGIN TRANSACTION;

DELETE FROM clean.provider WHERE npi IN (SELECT npi FROM judged);

INSERT INTO clean.provider (
  npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name, brand_names,
  former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes,
  taxonomy_is_primary, specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country,
  phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date, reactivation_date, is_active, inactive_reason,
  changed_on, entity_switched_on, source_file_date, source_object, source_line, row_hash
)
SELECT
  c.npi, c.entity_type, c.person_id, c.practice_id, c.first_name, c.last_name, c.credential, c.sex, c.sole_proprietor, c.organization_name,
  c.brand_names, c.former_names, c.authorized_official_first_name, c.authorized_official_last_name, c.authorized_official_title,
  c.taxonomy_code, c.taxonomy_codes, c.taxonomy_is_primary, c.specialty, c.license_number, c.license_state, c.address_line_1,
  c.address_line_2, c.city, c.state, c.zip5, c.zip4, c.country, c.phone_e164, c.phone_published, c.enumeration_date, c.last_update_date,
  c.deactivation_date, c.reactivation_date, b.reason IS NULL, b.reason, c.changed_on, c.entity_switched_on, c.source_file_date,
  c.source_object, c.source_line, c.row_hash
FROM clean.provider_candidate AS c
LEFT JOIN board AS b ON b.npi = c.npi
LEFT JOIN (SELECT DISTINCT row_key FROM clean.rejected_row WHERE table_name = 'clean.provider') AS r ON r.row_key = c.npi
WHERE c.npi IN (SELECT npi FROM judged) AND r.row_key IS NULL;

DELETE FROM clean.provider_history WHERE npi IN (SELECT npi FROM clean.provider_pending);

INSERT INTO clean.provider_history (
  npi, valid_from, valid_to, status, ended_by, entity_type, person_id, practice_id, first_name, last_name, credential, sex,
  sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name, authorized_official_last_name,
  authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, phone_e164, phone_published, enumeration_date, deactivation_date, reactivation_date,
  source_file_date, source_object, source_line, row_hash
)
SELECT
  npi, valid_from, valid_to, status, ended_by, entity_type, person_id, practice_id, first_name, last_name, credential, sex,
  sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name, authorized_official_last_name,
  authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, phone_e164, phone_published, enumeration_date, deactivation_date, reactivation_date,
  source_file_date, source_object, source_line, row_hash
FROM clean.provider_history_candidate;

DELETE FROM ops.balance WHERE table_name = 'clean.provider';

-- Every version is counted once. `in` counts rows, everything else NPIs, so what an NPI has beyond one row is `superseded_or_repeated`.
INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider', 'in', 'clean.provider_version', IFNULL(SUM(kept_rows), 0) FROM ops.mapped_slice
UNION ALL
SELECT 'clean.provider', 'filtered', 'superseded_or_repeated', COUNT(*) - COUNT(DISTINCT npi) FROM clean.provider_version WHERE kind != 'names'
UNION ALL
SELECT 'clean.provider', 'filtered', status, COUNT(*) FROM clean.provider_history WHERE valid_to IS NULL AND status != 'active' GROUP BY status
UNION ALL
SELECT 'clean.provider', 'out', IFNULL(inactive_reason, 'active'), COUNT(*) FROM clean.provider GROUP BY inactive_reason
UNION ALL
-- A row that breaks two rules is one rejected row: it counts under the first.
SELECT 'clean.provider', 'rejected', rule, COUNT(*)
FROM (SELECT row_key, MIN(rule) AS rule FROM clean.rejected_row WHERE table_name = 'clean.provider' GROUP BY row_key)
GROUP BY rule;

DELETE FROM clean.provider_history_candidate WHERE TRUE;

DELETE FROM clean.provider_pending WHERE TRUE;

COMMIT TRANSACTION;
