-- Candidates that no rule refused become clean.provider: a keyed MERGE that writes only what changed.
-- The gate has put the refused ones into clean.rejected_row before this runs.
MERGE clean.provider AS t
USING (
  SELECT * FROM clean.provider_candidate AS c
  WHERE NOT EXISTS (
    SELECT 1 FROM clean.rejected_row AS r WHERE r.table_name = 'clean.provider' AND r.row_key = c.npi
  )
) AS s
ON t.npi = s.npi
WHEN MATCHED AND (
  t.row_hash != s.row_hash OR t.changed_on IS DISTINCT FROM s.changed_on OR t.source_object != s.source_object OR t.source_line != s.source_line
) THEN UPDATE SET
  entity_type = s.entity_type,
  person_id = s.person_id,
  practice_id = s.practice_id,
  first_name = s.first_name,
  last_name = s.last_name,
  credential = s.credential,
  sex = s.sex,
  sole_proprietor = s.sole_proprietor,
  organization_name = s.organization_name,
  brand_names = s.brand_names,
  former_names = s.former_names,
  authorized_official_first_name = s.authorized_official_first_name,
  authorized_official_last_name = s.authorized_official_last_name,
  authorized_official_title = s.authorized_official_title,
  taxonomy_code = s.taxonomy_code,
  taxonomy_codes = s.taxonomy_codes,
  taxonomy_is_primary = s.taxonomy_is_primary,
  specialty = s.specialty,
  license_number = s.license_number,
  license_state = s.license_state,
  address_line_1 = s.address_line_1,
  address_line_2 = s.address_line_2,
  city = s.city,
  state = s.state,
  zip5 = s.zip5,
  zip4 = s.zip4,
  country = s.country,
  phone_e164 = s.phone_e164,
  phone_published = s.phone_published,
  enumeration_date = s.enumeration_date,
  last_update_date = s.last_update_date,
  deactivation_date = s.deactivation_date,
  reactivation_date = s.reactivation_date,
  is_active = s.is_active,
  changed_on = s.changed_on,
  source_file_date = s.source_file_date,
  source_object = s.source_object,
  source_line = s.source_line,
  row_hash = s.row_hash
WHEN NOT MATCHED BY TARGET THEN
  INSERT (npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date, reactivation_date, is_active, changed_on, source_file_date, source_object, source_line, row_hash)
  VALUES (s.npi, s.entity_type, s.person_id, s.practice_id, s.first_name, s.last_name, s.credential, s.sex, s.sole_proprietor, s.organization_name, s.brand_names, s.former_names, s.authorized_official_first_name, s.authorized_official_last_name, s.authorized_official_title, s.taxonomy_code, s.taxonomy_codes, s.taxonomy_is_primary, s.specialty, s.license_number, s.license_state, s.address_line_1, s.address_line_2, s.city, s.state, s.zip5, s.zip4, s.country, s.phone_e164, s.phone_published, s.enumeration_date, s.last_update_date, s.deactivation_date, s.reactivation_date, s.is_active, s.changed_on, s.source_file_date, s.source_object, s.source_line, s.row_hash)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

BEGIN TRANSACTION;

DELETE FROM ops.balance WHERE table_name = 'clean.provider' AND kind IN ('out', 'rejected');

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider', 'out', 'clean.provider', COUNT(*) FROM clean.provider
UNION ALL
-- A row that breaks two rules is one rejected row: it counts under the first.
SELECT 'clean.provider', 'rejected', rule, COUNT(*)
FROM (SELECT row_key, MIN(rule) AS rule FROM clean.rejected_row WHERE table_name = 'clean.provider' GROUP BY row_key)
GROUP BY rule;

COMMIT TRANSACTION;
