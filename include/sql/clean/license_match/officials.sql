-- The organizations of clean.provider as the linkage reads them: each under the name of its authorized official, at its
-- own address. A license number in an organization's slots is nearly always its owner's.
CREATE TEMP FUNCTION present(value STRING) AS (
  IF(TRIM(value) IN ('', '<UNAVAIL>', '$$$$$$$$$', '********', '_________'), NULL, TRIM(value))
);
SELECT
  p.npi, 'dentist' AS profession,
  p.authorized_official_first_name AS first_name, present(r.authorized_official_middle_name) AS middle_name,
  p.authorized_official_last_name AS last_name, present(r.authorized_official_name_suffix_text) AS name_suffix,
  CAST(NULL AS STRING) AS other_last_name,
  p.address_line_1 AS line, p.zip5, p.state, p.phone_e164, p.enumeration_date,
  present(r.provider_first_line_business_mailing_address) AS mailing_line,
  REGEXP_EXTRACT(r.provider_business_mailing_address_postal_code, r'^[0-9]{5}') AS mailing_zip5,
  present(UPPER(r.provider_business_mailing_address_state_name)) AS mailing_state
FROM clean.provider AS p
JOIN raw.nppes_npi AS r
  ON r.npi = p.npi AND r.file_date = p.source_file_date AND r.source_object = p.source_object AND r.line = p.source_line
WHERE p.entity_type = 'organization' AND p.authorized_official_last_name IS NOT NULL
