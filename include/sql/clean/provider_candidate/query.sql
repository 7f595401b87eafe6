-- The state that RAW implies: one candidate row per active dental NPI, and the count of every row that is not one.
-- A fold over all partitions and sources, so the order in which they arrived cannot matter. The monthly file is the base and the
-- weekly ones are deltas: of each NPI the newest row counts, by the last day that its file covers; on the same day the weekly one,
-- which says the same.
--
-- Semantics (CMS readme, and measured on real files): a deactivated row carries only NPI and date; a reactivated one keeps both dates
-- and is active; Last Update Date is no change marker, so the newest file wins, and rows are compared by a hash; four masks mean missing.
CREATE TEMP FUNCTION present(value STRING) AS (
  IF(TRIM(value) IN ('', '<UNAVAIL>', '$$$$$$$$$', '********', '_________'), NULL, TRIM(value))
);
CREATE TEMP FUNCTION published_date(value STRING) AS (SAFE.PARSE_DATE('%m/%d/%Y', value));
CREATE TEMP FUNCTION phone_e164(value STRING) AS (
  IF(
    REGEXP_CONTAINS(REGEXP_REPLACE(value, r'[^0-9]', ''), r'^1?[2-9][0-9]{2}[2-9][0-9]{6}$'),
    CONCAT('+1', RIGHT(REGEXP_REPLACE(value, r'[^0-9]', ''), 10)),
    NULL
  )
);
-- USPS Publication 28 in outline: upper case, no punctuation, single blanks, the common suffixes and unit words shortened.
CREATE TEMP FUNCTION street_line(value STRING) AS (
  REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(
    TRIM(REGEXP_REPLACE(REGEXP_REPLACE(UPPER(present(value)), r'[.,]', ' '), r'\s+', ' ')),
    r'\bSTREET\b', 'ST'), r'\bAVENUE\b', 'AVE'), r'\bROAD\b', 'RD'), r'\bBOULEVARD\b', 'BLVD'), r'\bDRIVE\b', 'DR'), r'\bLANE\b', 'LN'), r'\bSUITE\b', 'STE'), r'\bHIGHWAY\b', 'HWY')
);

CREATE TEMP TABLE dental_taxonomy AS
SELECT * FROM UNNEST([
  STRUCT('122300000X' AS code, 'general' AS specialty),
  STRUCT('1223G0001X' AS code, 'general' AS specialty),
  STRUCT('1223D0001X' AS code, 'public_health' AS specialty),
  STRUCT('1223D0004X' AS code, 'anesthesiology' AS specialty),
  STRUCT('1223E0200X' AS code, 'endodontics' AS specialty),
  STRUCT('1223P0106X' AS code, 'oral_pathology' AS specialty),
  STRUCT('1223P0221X' AS code, 'pediatric' AS specialty),
  STRUCT('1223P0300X' AS code, 'periodontics' AS specialty),
  STRUCT('1223P0700X' AS code, 'prosthodontics' AS specialty),
  STRUCT('1223S0112X' AS code, 'oral_surgery' AS specialty),
  STRUCT('1223X0008X' AS code, 'oral_radiology' AS specialty),
  STRUCT('1223X0400X' AS code, 'orthodontics' AS specialty),
  STRUCT('1223X2210X' AS code, 'orofacial_pain' AS specialty),
  STRUCT('125Q00000X' AS code, 'oral_medicine' AS specialty),
  STRUCT('122400000X' AS code, 'denturist' AS specialty),
  STRUCT('124Q00000X' AS code, 'hygienist' AS specialty),
  STRUCT('125J00000X' AS code, 'dental_therapist' AS specialty),
  STRUCT('125K00000X' AS code, 'dental_therapist' AS specialty),
  STRUCT('126800000X' AS code, 'assistant' AS specialty),
  STRUCT('126900000X' AS code, 'laboratory_technician' AS specialty),
  STRUCT('261QD0000X' AS code, 'clinic' AS specialty),
  STRUCT('292200000X' AS code, 'laboratory' AS specialty)
]);

-- The newest full row of each NPI, and the newest one that only deactivates.
CREATE TEMP TABLE full_row AS
SELECT * FROM raw.nppes_npi
WHERE present(entity_type_code) IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY file_date DESC, source DESC, line DESC) = 1;

CREATE TEMP TABLE bare_row AS
SELECT npi, file_date, source, line, published_date(npi_deactivation_date) AS deactivation_date FROM raw.nppes_npi
WHERE present(entity_type_code) IS NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY file_date DESC, source DESC, line DESC) = 1;

-- Each report lists all who are deactivated, so only the newest one counts: who left it is active again.
CREATE TEMP TABLE reported AS
SELECT npi, file_date, MAX(published_date(nppes_deactivation_date)) AS deactivation_date FROM raw.nppes_deactivation
WHERE file_date = (SELECT MAX(file_date) FROM raw.nppes_deactivation)
GROUP BY npi, file_date;

CREATE TEMP TABLE taxonomy AS
SELECT npi, slot.slot, slot.code, d.specialty, IFNULL(slot.is_primary, FALSE) AS is_primary,
  present(slot.license_number) AS license_number, present(slot.license_state) AS license_state
FROM full_row, UNNEST([
      STRUCT(1 AS slot, healthcare_provider_taxonomy_code_1 AS code, healthcare_provider_primary_taxonomy_switch_1 = 'Y' AS is_primary, provider_license_number_1 AS license_number, provider_license_number_state_code_1 AS license_state),
      STRUCT(2 AS slot, healthcare_provider_taxonomy_code_2 AS code, healthcare_provider_primary_taxonomy_switch_2 = 'Y' AS is_primary, provider_license_number_2 AS license_number, provider_license_number_state_code_2 AS license_state),
      STRUCT(3 AS slot, healthcare_provider_taxonomy_code_3 AS code, healthcare_provider_primary_taxonomy_switch_3 = 'Y' AS is_primary, provider_license_number_3 AS license_number, provider_license_number_state_code_3 AS license_state),
      STRUCT(4 AS slot, healthcare_provider_taxonomy_code_4 AS code, healthcare_provider_primary_taxonomy_switch_4 = 'Y' AS is_primary, provider_license_number_4 AS license_number, provider_license_number_state_code_4 AS license_state),
      STRUCT(5 AS slot, healthcare_provider_taxonomy_code_5 AS code, healthcare_provider_primary_taxonomy_switch_5 = 'Y' AS is_primary, provider_license_number_5 AS license_number, provider_license_number_state_code_5 AS license_state),
      STRUCT(6 AS slot, healthcare_provider_taxonomy_code_6 AS code, healthcare_provider_primary_taxonomy_switch_6 = 'Y' AS is_primary, provider_license_number_6 AS license_number, provider_license_number_state_code_6 AS license_state),
      STRUCT(7 AS slot, healthcare_provider_taxonomy_code_7 AS code, healthcare_provider_primary_taxonomy_switch_7 = 'Y' AS is_primary, provider_license_number_7 AS license_number, provider_license_number_state_code_7 AS license_state),
      STRUCT(8 AS slot, healthcare_provider_taxonomy_code_8 AS code, healthcare_provider_primary_taxonomy_switch_8 = 'Y' AS is_primary, provider_license_number_8 AS license_number, provider_license_number_state_code_8 AS license_state),
      STRUCT(9 AS slot, healthcare_provider_taxonomy_code_9 AS code, healthcare_provider_primary_taxonomy_switch_9 = 'Y' AS is_primary, provider_license_number_9 AS license_number, provider_license_number_state_code_9 AS license_state),
      STRUCT(10 AS slot, healthcare_provider_taxonomy_code_10 AS code, healthcare_provider_primary_taxonomy_switch_10 = 'Y' AS is_primary, provider_license_number_10 AS license_number, provider_license_number_state_code_10 AS license_state),
      STRUCT(11 AS slot, healthcare_provider_taxonomy_code_11 AS code, healthcare_provider_primary_taxonomy_switch_11 = 'Y' AS is_primary, provider_license_number_11 AS license_number, provider_license_number_state_code_11 AS license_state),
      STRUCT(12 AS slot, healthcare_provider_taxonomy_code_12 AS code, healthcare_provider_primary_taxonomy_switch_12 = 'Y' AS is_primary, provider_license_number_12 AS license_number, provider_license_number_state_code_12 AS license_state),
      STRUCT(13 AS slot, healthcare_provider_taxonomy_code_13 AS code, healthcare_provider_primary_taxonomy_switch_13 = 'Y' AS is_primary, provider_license_number_13 AS license_number, provider_license_number_state_code_13 AS license_state),
      STRUCT(14 AS slot, healthcare_provider_taxonomy_code_14 AS code, healthcare_provider_primary_taxonomy_switch_14 = 'Y' AS is_primary, provider_license_number_14 AS license_number, provider_license_number_state_code_14 AS license_state),
      STRUCT(15 AS slot, healthcare_provider_taxonomy_code_15 AS code, healthcare_provider_primary_taxonomy_switch_15 = 'Y' AS is_primary, provider_license_number_15 AS license_number, provider_license_number_state_code_15 AS license_state)
]) AS slot
JOIN dental_taxonomy AS d ON d.code = slot.code;

CREATE TEMP TABLE state_now AS
SELECT
  f.npi,
  -- A bare row or a report that is newer than the full row deactivates it; an older one is history.
  GREATEST(
    COALESCE(published_date(f.npi_deactivation_date), DATE '0001-01-01'),
    COALESCE(IF(
      b.file_date > f.file_date
        OR (b.file_date = f.file_date AND (b.source > f.source OR (b.source = f.source AND b.line > f.line))),
      b.deactivation_date, NULL
    ), DATE '0001-01-01'),
    COALESCE(IF(r.file_date >= f.file_date, r.deactivation_date, NULL), DATE '0001-01-01')
  ) AS deactivated,
  published_date(f.npi_reactivation_date) AS reactivation_date,
  EXISTS (SELECT 1 FROM taxonomy AS t WHERE t.npi = f.npi) AS is_dental
FROM full_row AS f
LEFT JOIN bare_row AS b ON b.npi = f.npi
LEFT JOIN reported AS r ON r.npi = f.npi;

-- The names under which an organisation is known: those in the newest file that tells of it. Since 2025 they stand in a member of
-- their own; the main file has `<UNAVAIL>` and type 6. Types: 3 doing business as, 4 former legal name, 5 other.
CREATE TEMP TABLE other_name AS
WITH newest AS (
  SELECT npi, file_date, source FROM (
    SELECT npi, file_date, source FROM full_row
    UNION ALL
    SELECT npi, file_date, source FROM raw.nppes_other_name
  )
  WHERE TRUE -- BigQuery takes no QUALIFY without it
  QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY file_date DESC, source DESC) = 1
),
named AS (
  SELECT npi, file_date, source, provider_other_organization_name_type_code AS kind, present(provider_other_organization_name) AS name
  FROM raw.nppes_other_name
  UNION ALL
  SELECT npi, file_date, source, provider_other_organization_name_type_code, present(provider_other_organization_name)
  FROM full_row
),
distinct_name AS (
  SELECT d.npi, d.name, MIN(d.kind) AS kind
  FROM named AS d
  JOIN newest AS n ON n.npi = d.npi AND n.file_date = d.file_date AND n.source = d.source
  WHERE d.name IS NOT NULL AND d.kind IN ('3', '4', '5')
  GROUP BY d.npi, d.name
)
SELECT
  npi,
  ARRAY_AGG(IF(kind = '4', NULL, name) IGNORE NULLS ORDER BY kind, name) AS brand_names,
  ARRAY_AGG(IF(kind = '4', name, NULL) IGNORE NULLS ORDER BY kind, name) AS former_names
FROM distinct_name
GROUP BY npi;

-- The oldest of the files that, up to the newest, all say the same of a provider. Dates on which somebody looked are no content.
CREATE TEMP TABLE changed AS
WITH published AS (
  SELECT * EXCEPT (source_object, last_update_date, certification_date) FROM raw.nppes_npi
  WHERE present(entity_type_code) IS NOT NULL AND npi IN (SELECT npi FROM taxonomy)
),
hashed AS (
  -- The emulator has no EXCEPT inside a STRUCT: where the row comes from is cut out of the text instead.
  SELECT
    npi, file_date, source, line,
    SHA256(REGEXP_REPLACE(TO_JSON_STRING(published), r'"(file_date|source|line)":("[^"]*"|[0-9]+),', '')) AS content
  FROM published
),
compared AS (
  SELECT npi, file_date, content IS DISTINCT FROM LAG(content) OVER (PARTITION BY npi ORDER BY file_date, source, line) AS is_other
  FROM hashed
)
SELECT npi, MAX(file_date) AS changed_on FROM compared WHERE is_other GROUP BY npi;

CREATE TEMP TABLE disposition AS
SELECT
  npi,
  CASE
    WHEN NOT is_dental THEN 'not_dental'
    WHEN deactivated > DATE '0001-01-01' AND (reactivation_date IS NULL OR reactivation_date < deactivated) THEN 'deactivated'
    ELSE 'candidate'
  END AS reason
FROM state_now
UNION ALL
SELECT npi, 'deactivated_never_known' FROM bare_row WHERE npi NOT IN (SELECT npi FROM full_row);

BEGIN TRANSACTION;

DELETE FROM clean.provider_candidate WHERE TRUE;

INSERT INTO clean.provider_candidate (npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date, reactivation_date, is_active, changed_on, source_file_date, source_object, source_line, row_hash)
WITH chosen AS (
  SELECT * FROM taxonomy
  WHERE TRUE -- BigQuery takes no QUALIFY without it
  QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY is_primary DESC, slot) = 1
),
all_codes AS (
  SELECT npi, ARRAY_AGG(code ORDER BY slot) AS codes FROM taxonomy GROUP BY npi
),
typed AS (
  SELECT
    f.npi,
    CASE f.entity_type_code WHEN '1' THEN 'individual' WHEN '2' THEN 'organization' END AS entity_type,
    UPPER(present(f.provider_first_name)) AS first_name,
    UPPER(present(f.provider_last_name_legal_name)) AS last_name,
    REGEXP_REPLACE(UPPER(present(f.provider_credential_text)), r'[^A-Z, ]', '') AS credential,
    present(f.provider_sex_code) AS sex,
    CASE f.is_sole_proprietor WHEN 'Y' THEN TRUE WHEN 'N' THEN FALSE END AS sole_proprietor,
    present(f.provider_organization_name_legal_business_name) AS organization_name,
    IFNULL(o.brand_names, []) AS brand_names,
    IFNULL(o.former_names, []) AS former_names,
    UPPER(present(f.authorized_official_first_name)) AS authorized_official_first_name,
    UPPER(present(f.authorized_official_last_name)) AS authorized_official_last_name,
    present(f.authorized_official_title_or_position) AS authorized_official_title,
    c.code AS taxonomy_code,
    a.codes AS taxonomy_codes,
    c.is_primary AS taxonomy_is_primary,
    c.specialty,
    c.license_number,
    c.license_state,
    street_line(f.provider_first_line_business_practice_location_address) AS address_line_1,
    street_line(f.provider_second_line_business_practice_location_address) AS address_line_2,
    UPPER(present(f.provider_business_practice_location_address_city_name)) AS city,
    UPPER(present(f.provider_business_practice_location_address_state_name)) AS state,
    REGEXP_EXTRACT(f.provider_business_practice_location_address_postal_code, r'^[0-9]{5}') AS zip5,
    REGEXP_EXTRACT(f.provider_business_practice_location_address_postal_code, r'^[0-9]{5}-?([0-9]{4})$') AS zip4,
    present(f.provider_business_practice_location_address_country_code_if_outside_u_s) AS country,
    phone_e164(f.provider_business_practice_location_address_telephone_number) AS phone_e164,
    present(f.provider_business_practice_location_address_telephone_number) AS phone_published,
    published_date(f.provider_enumeration_date) AS enumeration_date,
    published_date(f.last_update_date) AS last_update_date,
    NULLIF(s.deactivated, DATE '0001-01-01') AS deactivation_date,
    s.reactivation_date,
    TRUE AS is_active,
    g.changed_on,
    f.file_date AS source_file_date,
    f.source_object,
    f.line AS source_line
  FROM full_row AS f
  JOIN disposition AS d ON d.npi = f.npi AND d.reason = 'candidate'
  JOIN state_now AS s ON s.npi = f.npi
  JOIN chosen AS c ON c.npi = f.npi
  JOIN all_codes AS a ON a.npi = f.npi
  JOIN changed AS g ON g.npi = f.npi
  LEFT JOIN other_name AS o ON o.npi = f.npi
),
keyed AS (
  SELECT
    *,
    IF(entity_type = 'individual', CONCAT('p', SUBSTR(TO_HEX(SHA256(CONCAT('npi:', npi))), 1, 20)), NULL) AS person_id,
    CONCAT('o', SUBSTR(TO_HEX(SHA256(CONCAT(address_line_1, '|', zip5))), 1, 20)) AS practice_id
  FROM typed
)
SELECT
  npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date, reactivation_date, is_active, changed_on, source_file_date, source_object, source_line,
  TO_HEX(SHA256(CONCAT(
    IFNULL(npi, ''), '|',
    IFNULL(entity_type, ''), '|',
    IFNULL(person_id, ''), '|',
    IFNULL(practice_id, ''), '|',
    IFNULL(first_name, ''), '|',
    IFNULL(last_name, ''), '|',
    IFNULL(credential, ''), '|',
    IFNULL(sex, ''), '|',
    IFNULL(CAST(sole_proprietor AS STRING), ''), '|',
    IFNULL(organization_name, ''), '|',
    ARRAY_TO_STRING(brand_names, ','), '|',
    ARRAY_TO_STRING(former_names, ','), '|',
    IFNULL(authorized_official_first_name, ''), '|',
    IFNULL(authorized_official_last_name, ''), '|',
    IFNULL(authorized_official_title, ''), '|',
    IFNULL(taxonomy_code, ''), '|',
    ARRAY_TO_STRING(taxonomy_codes, ','), '|',
    IFNULL(CAST(taxonomy_is_primary AS STRING), ''), '|',
    IFNULL(specialty, ''), '|',
    IFNULL(license_number, ''), '|',
    IFNULL(license_state, ''), '|',
    IFNULL(address_line_1, ''), '|',
    IFNULL(address_line_2, ''), '|',
    IFNULL(city, ''), '|',
    IFNULL(state, ''), '|',
    IFNULL(zip5, ''), '|',
    IFNULL(zip4, ''), '|',
    IFNULL(country, ''), '|',
    IFNULL(phone_e164, ''), '|',
    IFNULL(phone_published, ''), '|',
    IFNULL(CAST(enumeration_date AS STRING), ''), '|',
    IFNULL(CAST(deactivation_date AS STRING), ''), '|',
    IFNULL(CAST(reactivation_date AS STRING), '')
  ))) AS row_hash
FROM keyed;

-- Every RAW row is counted once: `in` = `candidate` + everything filtered, by reason.
DELETE FROM ops.balance WHERE table_name = 'clean.provider' AND kind IN ('in', 'filtered');

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider', 'in', 'raw.nppes_npi', COUNT(*) FROM raw.nppes_npi
UNION ALL
SELECT 'clean.provider', 'filtered', reason, COUNT(*) FROM disposition WHERE reason != 'candidate' GROUP BY reason
UNION ALL
SELECT 'clean.provider', 'filtered', 'superseded_or_repeated', COUNT(*) - COUNT(DISTINCT npi) FROM raw.nppes_npi;

COMMIT TRANSACTION;
