-- clean.provider_version -> what is known of each pending NPI, on each day on which that changed: the last state is the
-- candidate of clean.provider, all of them are its history. Both are staged here, before the gate; nothing that is
-- served is touched. What is known of an NPI follows from its own versions and the days of the reports, so no order of
-- arrival can matter.
--
-- Semantics (CMS readme, and measured on real files): the monthly file is the base and the weekly ones are deltas: of
-- each NPI the newest row counts, by the last day that its file covers, on the same day the weekly one. A deactivated
-- row carries only NPI and date; a reactivated one keeps both dates and is active. Each report lists all who are
-- deactivated, so only the newest one counts:
-- who left it is active again. Last Update Date is no change marker, so rows are compared by a hash.
-- `place` orders the rows of an NPI, and names one.
CREATE TEMP TABLE version AS
SELECT *, CONCAT(CAST(file_date AS STRING), '|', source, '|', LPAD(CAST(line AS STRING), 10, '0')) AS place
FROM clean.provider_version
WHERE npi IN (SELECT npi FROM clean.provider_pending);

ASSERT NOT EXISTS (
  SELECT 1 FROM version AS v
  LEFT JOIN clean.address AS a ON a.address_key = v.address_key
  LEFT JOIN clean.phone AS p ON p.phone_key = v.phone_key
  WHERE (v.address_key IS NOT NULL AND a.address_key IS NULL) OR (v.phone_key IS NOT NULL AND p.phone_key IS NULL)
) AS 'A pending NPI has an address or a telephone without a standard form. Clear standardize_contacts, which writes clean.address and clean.phone.';  -- noqa: LT05

CREATE TEMP TABLE known AS
WITH report AS (
  SELECT file_date, LEAD(file_date) OVER (ORDER BY file_date) AS next_date
  FROM (SELECT DISTINCT file_date FROM ops.mapped_slice WHERE source = 'nppes_deactivation')
),
told AS (
  SELECT
    npi, file_date AS day,
    IF(kind IN ('dental', 'other'), place, NULL) AS row_place,
    IF(kind = 'bare', place, NULL) AS bare_place,
    IF(kind IN ('dental', 'names'), place, NULL) AS name_place,
    IF(kind = 'report', file_date, NULL) AS reported_on
  FROM version
  UNION ALL
  -- A report may be the first that no longer lists an NPI.
  SELECT v.npi, r.next_date, NULL, NULL, NULL, NULL
  FROM version AS v
  JOIN report AS r ON r.file_date = v.file_date
  WHERE v.kind = 'report' AND r.next_date IS NOT NULL
),
by_day AS (
  SELECT npi, day, MAX(row_place) AS row_place, MAX(bare_place) AS bare_place, MAX(name_place) AS name_place,
    MAX(reported_on) AS reported_on
  FROM told
  GROUP BY npi, day
),
newest AS (
  SELECT
    npi, day,
    MAX(row_place) OVER until_day AS row_place,
    MAX(bare_place) OVER until_day AS bare_place,
    MAX(name_place) OVER until_day AS name_place,
    MAX(reported_on) OVER until_day AS reported_on
  FROM by_day
  WINDOW until_day AS (PARTITION BY npi ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
compared AS (
  SELECT
    *,
    content IS DISTINCT FROM LAG(content) OVER in_order AS is_other,
    entity_type != LAG(entity_type) OVER in_order AS is_switched
  FROM version
  WHERE kind IN ('dental', 'other')
  WINDOW in_order AS (PARTITION BY npi ORDER BY place)
),
whole_row AS (
  SELECT
    *,
    MAX(IF(is_other, file_date, NULL)) OVER until_row AS changed_on,
    MAX(IF(is_switched, file_date, NULL)) OVER until_row AS entity_switched_on
  FROM compared
  WINDOW until_row AS (PARTITION BY npi ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- A bare row or a report that is newer than the whole row deactivates it; an older one is history.
dated AS (
  SELECT
    w.*, n.day, n.name_place,
    GREATEST(
      COALESCE(w.deactivation_date, DATE '0001-01-01'),
      COALESCE(IF(n.bare_place > n.row_place, b.deactivation_date, NULL), DATE '0001-01-01'),
      COALESCE(IF(n.reported_on >= w.file_date AND (p.next_date IS NULL OR n.day < p.next_date), r.deactivation_date,
        NULL), DATE '0001-01-01')
    ) AS deactivated
  FROM newest AS n
  JOIN whole_row AS w ON w.npi = n.npi AND w.place = n.row_place
  LEFT JOIN version AS b ON b.npi = n.npi AND b.place = n.bare_place AND b.kind = 'bare'
  LEFT JOIN (SELECT npi, file_date, MAX(deactivation_date) AS deactivation_date FROM version WHERE kind = 'report'
    GROUP BY npi, file_date) AS r
    ON r.npi = n.npi AND r.file_date = n.reported_on
  LEFT JOIN report AS p ON p.file_date = n.reported_on
)
SELECT
  d.* EXCEPT (
    brand_names, former_names, deactivation_date, deactivated, address_line_1, address_line_2, city, state, postal_code,
    country, phone
  ),
  NULLIF(d.deactivated, DATE '0001-01-01') AS deactivation_date,
  CASE
    WHEN d.kind = 'other' THEN 'not_dental'
    WHEN d.deactivated > DATE '0001-01-01' AND (d.reactivation_date IS NULL OR d.reactivation_date < d.deactivated)
      THEN 'deactivated'
    ELSE 'active'
  END AS status,
  IFNULL(o.brand_names, []) AS brand_names,
  IFNULL(o.former_names, []) AS former_names,
  IF(d.entity_type = 'individual', CONCAT('p', SUBSTR(TO_HEX(SHA256(CONCAT('npi:', d.npi))), 1, 20)), NULL)
    AS person_id,
  a.location_key AS practice_id,
  a.delivery_line AS address_line_1,
  a.unit AS address_line_2,
  a.city,
  a.state,
  a.zip5,
  a.zip4,
  a.country,
  a.parse_level AS address_parse_level,
  d.address_line_1 AS address_line_1_published,
  d.address_line_2 AS address_line_2_published,
  f.phone_e164,
  d.phone AS phone_published
FROM dated AS d
LEFT JOIN version AS o ON o.npi = d.npi AND o.place = d.name_place AND o.kind IN ('dental', 'names')
LEFT JOIN clean.address AS a ON a.address_key = d.address_key
LEFT JOIN clean.phone AS f ON f.phone_key = d.phone_key;

CREATE TEMP TABLE state AS
SELECT
  *,
  TO_HEX(SHA256(CONCAT(
    npi, '|',
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
    IFNULL(address_key, ''), '|',
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
FROM known;

BEGIN TRANSACTION;

DELETE FROM clean.provider_candidate WHERE npi IN (SELECT npi FROM clean.provider_pending);

INSERT INTO clean.provider_candidate (
  npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name,
  brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title,
  taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, address_key, address_line_1_published, address_line_2_published,
  address_parse_level, phone_key, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date,
  reactivation_date, changed_on, entity_switched_on, source_file_date, source_object, source_line, row_hash
)
SELECT
  npi, entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name,
  brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title,
  taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, address_key, address_line_1_published, address_line_2_published,
  address_parse_level, phone_key, phone_e164, phone_published, enumeration_date, last_update_date, deactivation_date,
  reactivation_date, changed_on, entity_switched_on, file_date, source_object, line, row_hash
FROM (SELECT * FROM state WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY npi ORDER BY day DESC) = 1)
WHERE status = 'active';

DELETE FROM clean.provider_history_candidate WHERE TRUE;

INSERT INTO clean.provider_history_candidate (
  npi, valid_from, valid_to, status, ended_by, entity_type, person_id, practice_id, first_name, last_name, credential,
  sex, sole_proprietor, organization_name, brand_names, former_names, authorized_official_first_name,
  authorized_official_last_name, authorized_official_title, taxonomy_code, taxonomy_codes, taxonomy_is_primary,
  specialty, license_number, license_state, address_line_1, address_line_2, city, state, zip5, zip4, country,
  address_key, phone_e164, phone_published, enumeration_date, deactivation_date, reactivation_date, source_file_date,
  source_object, source_line, row_hash
)
WITH marked AS (
  SELECT
    *,
    status = LAG(status) OVER in_order AND row_hash = LAG(row_hash) OVER in_order AS is_same
  FROM state
  WINDOW in_order AS (PARTITION BY npi ORDER BY day)
),
began AS (
  SELECT
    *,
    LEAD(day) OVER in_order AS valid_to,
    LEAD(status) OVER in_order AS next_status,
    LEAD(entity_type) OVER in_order AS next_entity_type
  FROM marked
  WHERE is_same IS NOT TRUE
  WINDOW in_order AS (PARTITION BY npi ORDER BY day)
)
SELECT
  npi, day, valid_to, status,
  CASE
    WHEN valid_to IS NULL THEN NULL
    WHEN next_entity_type != entity_type THEN 'entity_switched'
    WHEN next_status != status THEN next_status
    ELSE 'changed'
  END,
  entity_type, person_id, practice_id, first_name, last_name, credential, sex, sole_proprietor, organization_name,
  brand_names, former_names, authorized_official_first_name, authorized_official_last_name, authorized_official_title,
  taxonomy_code, taxonomy_codes, taxonomy_is_primary, specialty, license_number, license_state, address_line_1,
  address_line_2, city, state, zip5, zip4, country, address_key, phone_e164, phone_published, enumeration_date,
  deactivation_date, reactivation_date, file_date, source_object, line, row_hash
FROM began;

COMMIT TRANSACTION;
