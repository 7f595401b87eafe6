-- The people of clean.provider as the linkage reads them, with the columns that only the published row has: middle
-- name, suffix, former name and the mailing address, which is what many boards publish. Four masks mean missing
-- (docs/sources/nppes.md).
CREATE TEMP FUNCTION present(value STRING) AS (
  IF(TRIM(value) IN ('', '<UNAVAIL>', '$$$$$$$$$', '********', '_________'), NULL, TRIM(value))
);
SELECT
  p.npi,
  CASE
    WHEN p.specialty IN ('hygienist', 'assistant') THEN p.specialty
    WHEN p.specialty = 'dental_therapist' THEN 'therapist'
    WHEN p.specialty IN ('denturist', 'laboratory_technician') THEN 'other'
    ELSE 'dentist'
  END AS profession,
  p.first_name, present(r.provider_middle_name) AS middle_name, p.last_name, present(r.provider_name_suffix_text)
    AS name_suffix,
  present(r.provider_other_last_name) AS other_last_name,
  p.address_line_1 AS line, p.zip5, p.state, p.phone_e164, p.enumeration_date,
  present(r.provider_first_line_business_mailing_address) AS mailing_line,
  REGEXP_EXTRACT(r.provider_business_mailing_address_postal_code, r'^[0-9]{5}') AS mailing_zip5,
  present(UPPER(r.provider_business_mailing_address_state_name)) AS mailing_state
FROM clean.provider AS p
JOIN raw.nppes_npi AS r
  ON r.npi = p.npi AND r.file_date = p.source_file_date AND r.source_object = p.source_object AND r.line = p.source_line
WHERE p.entity_type = 'individual'
