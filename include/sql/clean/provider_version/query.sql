-- RAW -> clean.provider_version, slice by slice (file_date and source): a slice is read when its load is new or other
-- than the one that was mapped, and never again. One transaction, which also notes in clean.provider_pending whom it
-- touched.
-- @mapping STRING: a hash of this file and of what standardizes its text; another one has every slice mapped again.
--
-- A version of an NPI is every row of it since the first file that shows it as dental. So the later rows without a
-- dental taxonomy, the bare deactivations and the lines of the reports are kept for those few NPIs, and counted for all
-- others. Secondary locations are kept for them too; those of others are not counted, as other names are not: their
-- NPIs
-- are. Which rows those are depends on older files alone: when a slice comes late, they are found again from its day
-- on.
DECLARE changed_days ARRAY<DATE>;
DECLARE first_day DATE;

CREATE TEMP FUNCTION present(value STRING) AS (
  IF(TRIM(value) IN ('', '<UNAVAIL>', '$$$$$$$$$', '********', '_________'), NULL, TRIM(value))
);
CREATE TEMP FUNCTION published_date(value STRING) AS (SAFE.PARSE_DATE('%m/%d/%Y', value));
-- The formulas of include/contacts/postal_address.py and include/contacts/phone_number.py.
CREATE TEMP FUNCTION key_of_address(first_line STRING, second_line STRING, town STRING, region STRING, code STRING,
  nation STRING) AS (
  CONCAT('a', SUBSTR(TO_HEX(SHA256(CONCAT(
    IFNULL(first_line, ''), '|', IFNULL(second_line, ''), '|', IFNULL(town, ''), '|', IFNULL(region, ''), '|',
    IFNULL(code, ''), '|',
    IFNULL(nation, '')
  ))), 1, 20))
);
CREATE TEMP FUNCTION key_of_phone(number STRING, nation STRING) AS (
  CONCAT('f', SUBSTR(TO_HEX(SHA256(CONCAT(number, '|', IFNULL(nation, 'US')))), 1, 20))
);

-- Oral surgery has two codes outside dentistry, which physicians have, too: they count where the degree is a dental
-- one.
CREATE TEMP TABLE dental_taxonomy AS
SELECT code, specialty, TRUE AS needs_degree FROM UNNEST([
  STRUCT('204E00000X' AS code, 'oral_surgery' AS specialty),
  STRUCT('261QS0112X' AS code, 'clinic' AS specialty)
])
UNION ALL
SELECT code, specialty, FALSE FROM UNNEST([
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

-- A row of the manifest means that the whole file is in.
CREATE TEMP TABLE loaded AS
SELECT
  `partition` AS file_date,
  source,
  TO_HEX(SHA256(CONCAT(@mapping, '|', STRING_AGG(
    CONCAT(dataset_table, '|', sha256, '|', CAST(source_bytes AS STRING), '|', CAST(`rows` AS STRING), '|',
      CAST(rejected_rows AS STRING)),
    '|' ORDER BY dataset_table
  )))) AS fingerprint
FROM ops.load_manifest
WHERE dataset_table IN ('raw.nppes_npi', 'raw.nppes_other_name', 'raw.nppes_practice_location',
  'raw.nppes_deactivation')
GROUP BY file_date, source;

CREATE TEMP TABLE changed AS
SELECT COALESCE(l.file_date, m.file_date) AS file_date, COALESCE(l.source, m.source) AS source, l.fingerprint
FROM loaded AS l
FULL JOIN ops.mapped_slice AS m ON m.file_date = l.file_date AND m.source = l.source
WHERE l.fingerprint IS DISTINCT FROM m.fingerprint;

-- Variables, because BigQuery prunes partitions by a constant and not by a subquery.
SET changed_days = (SELECT ARRAY_AGG(DISTINCT file_date) FROM changed);
SET first_day = (SELECT MIN(file_date) FROM changed);

-- The dental slots of whole rows, and those that would be with a degree (is_dental FALSE). The rows are chosen before
-- their slots are unfolded: the emulator does not move a condition there.
CREATE TEMP TABLE dental_slot AS
SELECT
  r.file_date, r.source, r.line, r.npi, s.slot, s.code, d.specialty, IFNULL(s.is_primary, FALSE) AS is_primary,
  present(s.license_number) AS license_number, present(s.license_state) AS license_state,
  -- An organization has no degree: its authorized official's counts.
  NOT d.needs_degree OR REGEXP_CONTAINS(
    UPPER(REPLACE(
      IFNULL(IF(r.entity_type_code = '1', r.provider_credential_text, r.authorized_official_credential_text), ''), '.',
      '')),
    r'\b(DDS|DMD|D D S|D M D)\b'
  ) AS is_dental
FROM (SELECT * FROM raw.nppes_npi WHERE file_date >= first_day AND present(entity_type_code) IS NOT NULL) AS r, UNNEST([
  STRUCT(1 AS slot, healthcare_provider_taxonomy_code_1 AS code,
    healthcare_provider_primary_taxonomy_switch_1 = 'Y' AS is_primary, provider_license_number_1 AS license_number,
    provider_license_number_state_code_1 AS license_state),
  STRUCT(2 AS slot, healthcare_provider_taxonomy_code_2 AS code,
    healthcare_provider_primary_taxonomy_switch_2 = 'Y' AS is_primary, provider_license_number_2 AS license_number,
    provider_license_number_state_code_2 AS license_state),
  STRUCT(3 AS slot, healthcare_provider_taxonomy_code_3 AS code,
    healthcare_provider_primary_taxonomy_switch_3 = 'Y' AS is_primary, provider_license_number_3 AS license_number,
    provider_license_number_state_code_3 AS license_state),
  STRUCT(4 AS slot, healthcare_provider_taxonomy_code_4 AS code,
    healthcare_provider_primary_taxonomy_switch_4 = 'Y' AS is_primary, provider_license_number_4 AS license_number,
    provider_license_number_state_code_4 AS license_state),
  STRUCT(5 AS slot, healthcare_provider_taxonomy_code_5 AS code,
    healthcare_provider_primary_taxonomy_switch_5 = 'Y' AS is_primary, provider_license_number_5 AS license_number,
    provider_license_number_state_code_5 AS license_state),
  STRUCT(6 AS slot, healthcare_provider_taxonomy_code_6 AS code,
    healthcare_provider_primary_taxonomy_switch_6 = 'Y' AS is_primary, provider_license_number_6 AS license_number,
    provider_license_number_state_code_6 AS license_state),
  STRUCT(7 AS slot, healthcare_provider_taxonomy_code_7 AS code,
    healthcare_provider_primary_taxonomy_switch_7 = 'Y' AS is_primary, provider_license_number_7 AS license_number,
    provider_license_number_state_code_7 AS license_state),
  STRUCT(8 AS slot, healthcare_provider_taxonomy_code_8 AS code,
    healthcare_provider_primary_taxonomy_switch_8 = 'Y' AS is_primary, provider_license_number_8 AS license_number,
    provider_license_number_state_code_8 AS license_state),
  STRUCT(9 AS slot, healthcare_provider_taxonomy_code_9 AS code,
    healthcare_provider_primary_taxonomy_switch_9 = 'Y' AS is_primary, provider_license_number_9 AS license_number,
    provider_license_number_state_code_9 AS license_state),
  STRUCT(10 AS slot, healthcare_provider_taxonomy_code_10 AS code,
    healthcare_provider_primary_taxonomy_switch_10 = 'Y' AS is_primary, provider_license_number_10 AS license_number,
    provider_license_number_state_code_10 AS license_state),
  STRUCT(11 AS slot, healthcare_provider_taxonomy_code_11 AS code,
    healthcare_provider_primary_taxonomy_switch_11 = 'Y' AS is_primary, provider_license_number_11 AS license_number,
    provider_license_number_state_code_11 AS license_state),
  STRUCT(12 AS slot, healthcare_provider_taxonomy_code_12 AS code,
    healthcare_provider_primary_taxonomy_switch_12 = 'Y' AS is_primary, provider_license_number_12 AS license_number,
    provider_license_number_state_code_12 AS license_state),
  STRUCT(13 AS slot, healthcare_provider_taxonomy_code_13 AS code,
    healthcare_provider_primary_taxonomy_switch_13 = 'Y' AS is_primary, provider_license_number_13 AS license_number,
    provider_license_number_state_code_13 AS license_state),
  STRUCT(14 AS slot, healthcare_provider_taxonomy_code_14 AS code,
    healthcare_provider_primary_taxonomy_switch_14 = 'Y' AS is_primary, provider_license_number_14 AS license_number,
    provider_license_number_state_code_14 AS license_state),
  STRUCT(15 AS slot, healthcare_provider_taxonomy_code_15 AS code,
    healthcare_provider_primary_taxonomy_switch_15 = 'Y' AS is_primary, provider_license_number_15 AS license_number,
    provider_license_number_state_code_15 AS license_state)
]) AS s
JOIN dental_taxonomy AS d ON d.code = s.code;

-- What every row is, of the slices from the first changed one on.
CREATE TEMP TABLE read_row AS
WITH dental AS (SELECT file_date, source, line, LOGICAL_OR(is_dental) AS is_dental FROM dental_slot
  GROUP BY file_date, source, line)
SELECT
  r.file_date, r.source, r.source_object, r.line, r.npi, published_date(r.npi_deactivation_date) AS deactivation_date,
  CASE r.entity_type_code WHEN '1' THEN 'individual' WHEN '2' THEN 'organization' END AS entity_type,
  CASE WHEN d.is_dental THEN 'dental' WHEN present(r.entity_type_code) IS NULL THEN 'bare' ELSE 'other' END AS kind,
  d.is_dental IS NOT NULL AND NOT d.is_dental AS lacks_degree
FROM raw.nppes_npi AS r
JOIN loaded AS l ON l.file_date = r.file_date AND l.source = r.source
LEFT JOIN dental AS d ON d.file_date = r.file_date AND d.source = r.source AND d.line = r.line
WHERE r.file_date >= first_day
UNION ALL
SELECT r.file_date, r.source, r.source_object, r.line, r.npi, published_date(r.nppes_deactivation_date), NULL, 'report',
  FALSE
FROM raw.nppes_deactivation AS r
JOIN loaded AS l ON l.file_date = r.file_date AND l.source = r.source
WHERE r.file_date >= first_day;

-- The names under which a file knows an organization. Since 2025 they stand in a member of their own; the main file has
-- `<UNAVAIL>` and type 6. Types: 3 doing business as, 4 former legal name, 5 other.
CREATE TEMP TABLE named AS
WITH published AS (
  SELECT file_date, source, source_object, line, npi, provider_other_organization_name_type_code AS type,
    provider_other_organization_name AS name
  FROM raw.nppes_other_name
  WHERE file_date >= first_day
  UNION ALL
  SELECT file_date, source, source_object, line, npi, provider_other_organization_name_type_code,
    provider_other_organization_name
  FROM raw.nppes_npi
  WHERE file_date >= first_day AND provider_other_organization_name_type_code IN ('3', '4', '5')
),
once AS (
  SELECT
    file_date, source, npi, IF(type IN ('3', '4', '5'), present(name), NULL) AS known_name,
    MIN(type) AS type, MIN(source_object) AS source_object, MIN(line) AS line
  FROM published
  GROUP BY file_date, source, npi, known_name
)
SELECT
  o.file_date, o.source, o.npi, MIN(o.source_object) AS source_object, MIN(o.line) AS line,
  ARRAY_AGG(IF(o.type = '4', NULL, o.known_name) IGNORE NULLS ORDER BY o.type, o.known_name) AS brand_names,
  ARRAY_AGG(IF(o.type = '4', o.known_name, NULL) IGNORE NULLS ORDER BY o.type, o.known_name) AS former_names
FROM once AS o
JOIN loaded AS l ON l.file_date = o.file_date AND l.source = o.source
GROUP BY o.file_date, o.source, o.npi;

-- The first day on which each NPI is dental, once the changed slices are mapped.
CREATE TEMP TABLE first_dental AS
SELECT npi, MIN(file_date) AS file_date
FROM (
  SELECT v.npi, v.file_date
  FROM clean.provider_version AS v
  LEFT JOIN changed AS c ON c.file_date = v.file_date AND c.source = v.source
  WHERE v.kind = 'dental' AND c.source IS NULL
  UNION ALL
  SELECT r.npi, r.file_date
  FROM read_row AS r
  JOIN changed AS c ON c.file_date = r.file_date AND c.source = r.source
  WHERE r.kind = 'dental'
)
GROUP BY npi;

-- Where else a file says that they work: pl_pfile has all locations of an NPI beyond the one of its main row.
CREATE TEMP TABLE located AS
SELECT
  r.file_date, r.source, r.source_object, r.line, r.npi,
  present(r.provider_secondary_practice_location_address_address_line_1) AS address_line_1,
  present(r.provider_secondary_practice_location_address_address_line_2) AS address_line_2,
  present(r.provider_secondary_practice_location_address_city_name) AS city,
  present(r.provider_secondary_practice_location_address_state_name) AS state,
  present(r.provider_secondary_practice_location_address_postal_code) AS postal_code,
  present(r.provider_secondary_practice_location_address_country_code_if_outside_u_s) AS country,
  present(r.provider_secondary_practice_location_address_telephone_number) AS phone,
  present(r.provider_practice_location_address_fax_number) AS fax
FROM raw.nppes_practice_location AS r
JOIN loaded AS l ON l.file_date = r.file_date AND l.source = r.source
JOIN first_dental AS f ON f.npi = r.npi AND f.file_date <= r.file_date
WHERE r.file_date >= first_day;

CREATE TEMP TABLE judged AS
WITH told AS (
  SELECT file_date, source, source_object, line, npi, kind, deactivation_date, entity_type, lacks_degree FROM read_row
  UNION ALL
  -- A file that names an organization of which it says nothing else.
  SELECT n.file_date, n.source, n.source_object, n.line, n.npi, 'names', NULL, NULL, FALSE
  FROM named AS n
  LEFT JOIN read_row AS r ON r.file_date = n.file_date AND r.source = n.source AND r.npi = n.npi
    AND r.kind IN ('dental', 'other')
  WHERE r.npi IS NULL
  UNION ALL
  SELECT file_date, source, source_object, line, npi, 'location', NULL, NULL, FALSE FROM located
)
SELECT t.*, f.npi IS NOT NULL AS is_kept, c.source IS NOT NULL AS is_of_changed
FROM told AS t
LEFT JOIN first_dental AS f ON f.npi = t.npi AND f.file_date <= t.file_date
LEFT JOIN changed AS c ON c.file_date = t.file_date AND c.source = t.source;

BEGIN TRANSACTION;

-- Whoever is in a changed slice, before or now. Of the reports only the newest counts, so one more or less touches all
-- who are in any. And whoever a gate refused is judged again, because the rules may have changed.
INSERT INTO clean.provider_pending (npi)
SELECT npi FROM judged WHERE is_kept AND is_of_changed
UNION DISTINCT
SELECT v.npi
FROM clean.provider_version AS v
JOIN changed AS c ON c.file_date = v.file_date AND c.source = v.source
WHERE v.file_date IN UNNEST(changed_days)
UNION DISTINCT
SELECT npi FROM clean.provider_version
WHERE kind = 'report' AND EXISTS (SELECT 1 FROM changed WHERE source = 'nppes_deactivation')
UNION DISTINCT
SELECT row_key FROM clean.rejected_row WHERE table_name = 'clean.provider' AND row_key IS NOT NULL;

DELETE FROM clean.provider_version AS v
WHERE v.file_date >= first_day
  AND (v.kind != 'dental' OR EXISTS (SELECT 1 FROM changed AS c WHERE c.file_date = v.file_date
    AND c.source = v.source));

INSERT INTO clean.provider_version (
  file_date, source, source_object, line, npi, kind, deactivation_date, reactivation_date, content, entity_type,
  first_name, last_name, credential, sex, sole_proprietor, organization_name, brand_names, former_names,
  authorized_official_first_name, authorized_official_last_name, authorized_official_title, taxonomy_code,
  taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1, address_line_2, city,
  state, postal_code, country, phone, fax, enumeration_date, last_update_date, address_key, phone_key
)
WITH chosen AS (
  SELECT * FROM dental_slot
  WHERE is_dental
  QUALIFY ROW_NUMBER() OVER (PARTITION BY file_date, source, line ORDER BY is_primary DESC, slot) = 1
),
all_codes AS (
  SELECT file_date, source, line, ARRAY_AGG(code ORDER BY slot) AS codes FROM dental_slot WHERE is_dental
    GROUP BY file_date, source, line
),
typed AS (
  SELECT
    r.file_date,
    r.source,
    r.source_object,
    r.line,
    r.npi,
    'dental' AS kind,
    published_date(r.npi_deactivation_date) AS deactivation_date,
    published_date(r.npi_reactivation_date) AS reactivation_date,
    -- The emulator has no EXCEPT inside a STRUCT: where the row stands, and when somebody looked at it, is cut out of
    -- the text.
    TO_HEX(SHA256(REGEXP_REPLACE(
      TO_JSON_STRING(r),
      r'"(file_date|source|source_object|line|last_update_date|certification_date)":("[^"]*"|[0-9]+|null),?', ''
    ))) AS content,
    CASE r.entity_type_code WHEN '1' THEN 'individual' WHEN '2' THEN 'organization' END AS entity_type,
    UPPER(present(r.provider_first_name)) AS first_name,
    UPPER(present(r.provider_last_name_legal_name)) AS last_name,
    REGEXP_REPLACE(UPPER(present(r.provider_credential_text)), r'[^A-Z, ]', '') AS credential,
    present(r.provider_sex_code) AS sex,
    CASE r.is_sole_proprietor WHEN 'Y' THEN TRUE WHEN 'N' THEN FALSE END AS sole_proprietor,
    present(r.provider_organization_name_legal_business_name) AS organization_name,
    IFNULL(n.brand_names, []) AS brand_names,
    IFNULL(n.former_names, []) AS former_names,
    UPPER(present(r.authorized_official_first_name)) AS authorized_official_first_name,
    UPPER(present(r.authorized_official_last_name)) AS authorized_official_last_name,
    present(r.authorized_official_title_or_position) AS authorized_official_title,
    c.code AS taxonomy_code,
    a.codes AS taxonomy_codes,
    c.is_primary AS taxonomy_is_primary,
    c.specialty,
    c.license_number,
    c.license_state,
    present(r.provider_first_line_business_practice_location_address) AS address_line_1,
    present(r.provider_second_line_business_practice_location_address) AS address_line_2,
    present(r.provider_business_practice_location_address_city_name) AS city,
    present(r.provider_business_practice_location_address_state_name) AS state,
    present(r.provider_business_practice_location_address_postal_code) AS postal_code,
    present(r.provider_business_practice_location_address_country_code_if_outside_u_s) AS country,
    present(r.provider_business_practice_location_address_telephone_number) AS phone,
    present(r.provider_business_practice_location_address_fax_number) AS fax,
    published_date(r.provider_enumeration_date) AS enumeration_date,
    published_date(r.last_update_date) AS last_update_date
  FROM raw.nppes_npi AS r
  JOIN changed AS s ON s.file_date = r.file_date AND s.source = r.source AND s.fingerprint IS NOT NULL
  JOIN chosen AS c ON c.file_date = r.file_date AND c.source = r.source AND c.line = r.line
  JOIN all_codes AS a ON a.file_date = r.file_date AND a.source = r.source AND a.line = r.line
  LEFT JOIN named AS n ON n.file_date = r.file_date AND n.source = r.source AND n.npi = r.npi
  WHERE r.file_date IN UNNEST(changed_days)
)
SELECT *, key_of_address(address_line_1, address_line_2, city, state, postal_code, country),
  key_of_phone(phone, country)
FROM typed;

INSERT INTO clean.provider_version (file_date, source, source_object, line, npi, kind, deactivation_date, entity_type,
  brand_names, former_names)
SELECT
  j.file_date, j.source, j.source_object, j.line, j.npi, j.kind, j.deactivation_date, j.entity_type,
  IF(j.kind = 'names', IFNULL(n.brand_names, []), []), IF(j.kind = 'names', IFNULL(n.former_names, []), [])
FROM judged AS j
LEFT JOIN named AS n ON n.file_date = j.file_date AND n.source = j.source AND n.npi = j.npi
WHERE j.is_kept AND j.kind NOT IN ('dental', 'location');

INSERT INTO clean.provider_version (
  file_date, source, source_object, line, npi, kind, brand_names, former_names, address_line_1, address_line_2, city,
  state, postal_code, country, phone, fax, address_key, phone_key
)
SELECT
  file_date, source, source_object, line, npi, 'location', [], [], address_line_1, address_line_2, city, state,
  postal_code,
  country, phone, fax, key_of_address(address_line_1, address_line_2, city, state, postal_code, country),
    key_of_phone(phone, country)
FROM located;

DELETE FROM ops.mapped_slice WHERE file_date >= first_day;

INSERT INTO ops.mapped_slice (file_date, source, fingerprint, kept_rows, not_dental_rows, lacks_degree_rows,
  deactivated_never_known_rows)
SELECT
  l.file_date,
  l.source,
  l.fingerprint,
  COUNTIF(j.is_kept AND j.kind NOT IN ('names', 'location')),
  COUNTIF(NOT j.is_kept AND j.kind = 'other' AND NOT j.lacks_degree),
  COUNTIF(NOT j.is_kept AND j.kind = 'other' AND j.lacks_degree),
  COUNTIF(NOT j.is_kept AND j.kind IN ('bare', 'report'))
FROM loaded AS l
LEFT JOIN judged AS j ON j.file_date = l.file_date AND j.source = l.source
WHERE l.file_date >= first_day
GROUP BY l.file_date, l.source, l.fingerprint;

DELETE FROM ops.balance WHERE table_name = 'clean.provider_version';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.provider_version', 'in', dataset_table, SUM(`rows`) FROM ops.load_manifest
WHERE dataset_table IN ('raw.nppes_npi', 'raw.nppes_deactivation')
GROUP BY dataset_table
UNION ALL
SELECT 'clean.provider_version', kind, reason, row_count
FROM (
  SELECT
    SUM(kept_rows) AS kept, SUM(not_dental_rows) AS not_dental, SUM(lacks_degree_rows) AS lacks_degree,
    SUM(deactivated_never_known_rows) AS never_known
  FROM ops.mapped_slice
)
CROSS JOIN UNNEST([
  STRUCT('out' AS kind, 'clean.provider_version' AS reason, kept AS row_count),
  STRUCT('filtered' AS kind, 'not_dental' AS reason, not_dental AS row_count),
  STRUCT('filtered' AS kind, 'oral_surgery_without_dental_degree' AS reason, lacks_degree AS row_count),
  STRUCT('filtered' AS kind, 'deactivated_never_known' AS reason, never_known AS row_count)
])
WHERE row_count > 0;

COMMIT TRANSACTION;
