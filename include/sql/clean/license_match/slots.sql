-- The licence numbers that NPPES holds of whoever is in clean.provider: 15 licence slots and 50 other identifiers, as published. Those
-- of an organization are its official's: under a clinic's code the slot does not tell the profession.
-- Medicaid numbers (type 05) are left out. A hygienist's slot must not find a dentist's licence: numbers are counted anew for each.
SELECT
  r.npi, TRIM(UPPER(slot.state)) AS state, TRIM(slot.number) AS number, slot.slot,
  CASE
    WHEN STARTS_WITH(slot.slot, 'identifier') THEN NULL
    WHEN p.entity_type = 'organization' AND NOT STARTS_WITH(IFNULL(slot.code, ''), '12') THEN NULL
    WHEN STARTS_WITH(slot.code, '1223') OR slot.code IN ('122300000X', '125Q00000X') THEN 'dentist'
    WHEN slot.code = '124Q00000X' THEN 'hygienist'
    WHEN slot.code = '126800000X' THEN 'assistant'
    WHEN slot.code IN ('125J00000X', '125K00000X') THEN 'therapist'
    ELSE 'other'
  END AS profession
FROM clean.provider AS p
JOIN raw.nppes_npi AS r
  ON r.npi = p.npi AND r.file_date = p.source_file_date AND r.source_object = p.source_object AND r.line = p.source_line
CROSS JOIN UNNEST([
  STRUCT('licence 1' AS slot, r.provider_license_number_1 AS number, r.provider_license_number_state_code_1 AS state, r.healthcare_provider_taxonomy_code_1 AS code),
  STRUCT('licence 2', r.provider_license_number_2, r.provider_license_number_state_code_2, r.healthcare_provider_taxonomy_code_2),
  STRUCT('licence 3', r.provider_license_number_3, r.provider_license_number_state_code_3, r.healthcare_provider_taxonomy_code_3),
  STRUCT('licence 4', r.provider_license_number_4, r.provider_license_number_state_code_4, r.healthcare_provider_taxonomy_code_4),
  STRUCT('licence 5', r.provider_license_number_5, r.provider_license_number_state_code_5, r.healthcare_provider_taxonomy_code_5),
  STRUCT('licence 6', r.provider_license_number_6, r.provider_license_number_state_code_6, r.healthcare_provider_taxonomy_code_6),
  STRUCT('licence 7', r.provider_license_number_7, r.provider_license_number_state_code_7, r.healthcare_provider_taxonomy_code_7),
  STRUCT('licence 8', r.provider_license_number_8, r.provider_license_number_state_code_8, r.healthcare_provider_taxonomy_code_8),
  STRUCT('licence 9', r.provider_license_number_9, r.provider_license_number_state_code_9, r.healthcare_provider_taxonomy_code_9),
  STRUCT('licence 10', r.provider_license_number_10, r.provider_license_number_state_code_10, r.healthcare_provider_taxonomy_code_10),
  STRUCT('licence 11', r.provider_license_number_11, r.provider_license_number_state_code_11, r.healthcare_provider_taxonomy_code_11),
  STRUCT('licence 12', r.provider_license_number_12, r.provider_license_number_state_code_12, r.healthcare_provider_taxonomy_code_12),
  STRUCT('licence 13', r.provider_license_number_13, r.provider_license_number_state_code_13, r.healthcare_provider_taxonomy_code_13),
  STRUCT('licence 14', r.provider_license_number_14, r.provider_license_number_state_code_14, r.healthcare_provider_taxonomy_code_14),
  STRUCT('licence 15', r.provider_license_number_15, r.provider_license_number_state_code_15, r.healthcare_provider_taxonomy_code_15),
  STRUCT('identifier 1', r.other_provider_identifier_1, r.other_provider_identifier_state_1, IF(r.other_provider_identifier_type_code_1 = '05', '05', NULL)),
  STRUCT('identifier 2', r.other_provider_identifier_2, r.other_provider_identifier_state_2, IF(r.other_provider_identifier_type_code_2 = '05', '05', NULL)),
  STRUCT('identifier 3', r.other_provider_identifier_3, r.other_provider_identifier_state_3, IF(r.other_provider_identifier_type_code_3 = '05', '05', NULL)),
  STRUCT('identifier 4', r.other_provider_identifier_4, r.other_provider_identifier_state_4, IF(r.other_provider_identifier_type_code_4 = '05', '05', NULL)),
  STRUCT('identifier 5', r.other_provider_identifier_5, r.other_provider_identifier_state_5, IF(r.other_provider_identifier_type_code_5 = '05', '05', NULL)),
  STRUCT('identifier 6', r.other_provider_identifier_6, r.other_provider_identifier_state_6, IF(r.other_provider_identifier_type_code_6 = '05', '05', NULL)),
  STRUCT('identifier 7', r.other_provider_identifier_7, r.other_provider_identifier_state_7, IF(r.other_provider_identifier_type_code_7 = '05', '05', NULL)),
  STRUCT('identifier 8', r.other_provider_identifier_8, r.other_provider_identifier_state_8, IF(r.other_provider_identifier_type_code_8 = '05', '05', NULL)),
  STRUCT('identifier 9', r.other_provider_identifier_9, r.other_provider_identifier_state_9, IF(r.other_provider_identifier_type_code_9 = '05', '05', NULL)),
  STRUCT('identifier 10', r.other_provider_identifier_10, r.other_provider_identifier_state_10, IF(r.other_provider_identifier_type_code_10 = '05', '05', NULL)),
  STRUCT('identifier 11', r.other_provider_identifier_11, r.other_provider_identifier_state_11, IF(r.other_provider_identifier_type_code_11 = '05', '05', NULL)),
  STRUCT('identifier 12', r.other_provider_identifier_12, r.other_provider_identifier_state_12, IF(r.other_provider_identifier_type_code_12 = '05', '05', NULL)),
  STRUCT('identifier 13', r.other_provider_identifier_13, r.other_provider_identifier_state_13, IF(r.other_provider_identifier_type_code_13 = '05', '05', NULL)),
  STRUCT('identifier 14', r.other_provider_identifier_14, r.other_provider_identifier_state_14, IF(r.other_provider_identifier_type_code_14 = '05', '05', NULL)),
  STRUCT('identifier 15', r.other_provider_identifier_15, r.other_provider_identifier_state_15, IF(r.other_provider_identifier_type_code_15 = '05', '05', NULL)),
  STRUCT('identifier 16', r.other_provider_identifier_16, r.other_provider_identifier_state_16, IF(r.other_provider_identifier_type_code_16 = '05', '05', NULL)),
  STRUCT('identifier 17', r.other_provider_identifier_17, r.other_provider_identifier_state_17, IF(r.other_provider_identifier_type_code_17 = '05', '05', NULL)),
  STRUCT('identifier 18', r.other_provider_identifier_18, r.other_provider_identifier_state_18, IF(r.other_provider_identifier_type_code_18 = '05', '05', NULL)),
  STRUCT('identifier 19', r.other_provider_identifier_19, r.other_provider_identifier_state_19, IF(r.other_provider_identifier_type_code_19 = '05', '05', NULL)),
  STRUCT('identifier 20', r.other_provider_identifier_20, r.other_provider_identifier_state_20, IF(r.other_provider_identifier_type_code_20 = '05', '05', NULL)),
  STRUCT('identifier 21', r.other_provider_identifier_21, r.other_provider_identifier_state_21, IF(r.other_provider_identifier_type_code_21 = '05', '05', NULL)),
  STRUCT('identifier 22', r.other_provider_identifier_22, r.other_provider_identifier_state_22, IF(r.other_provider_identifier_type_code_22 = '05', '05', NULL)),
  STRUCT('identifier 23', r.other_provider_identifier_23, r.other_provider_identifier_state_23, IF(r.other_provider_identifier_type_code_23 = '05', '05', NULL)),
  STRUCT('identifier 24', r.other_provider_identifier_24, r.other_provider_identifier_state_24, IF(r.other_provider_identifier_type_code_24 = '05', '05', NULL)),
  STRUCT('identifier 25', r.other_provider_identifier_25, r.other_provider_identifier_state_25, IF(r.other_provider_identifier_type_code_25 = '05', '05', NULL)),
  STRUCT('identifier 26', r.other_provider_identifier_26, r.other_provider_identifier_state_26, IF(r.other_provider_identifier_type_code_26 = '05', '05', NULL)),
  STRUCT('identifier 27', r.other_provider_identifier_27, r.other_provider_identifier_state_27, IF(r.other_provider_identifier_type_code_27 = '05', '05', NULL)),
  STRUCT('identifier 28', r.other_provider_identifier_28, r.other_provider_identifier_state_28, IF(r.other_provider_identifier_type_code_28 = '05', '05', NULL)),
  STRUCT('identifier 29', r.other_provider_identifier_29, r.other_provider_identifier_state_29, IF(r.other_provider_identifier_type_code_29 = '05', '05', NULL)),
  STRUCT('identifier 30', r.other_provider_identifier_30, r.other_provider_identifier_state_30, IF(r.other_provider_identifier_type_code_30 = '05', '05', NULL)),
  STRUCT('identifier 31', r.other_provider_identifier_31, r.other_provider_identifier_state_31, IF(r.other_provider_identifier_type_code_31 = '05', '05', NULL)),
  STRUCT('identifier 32', r.other_provider_identifier_32, r.other_provider_identifier_state_32, IF(r.other_provider_identifier_type_code_32 = '05', '05', NULL)),
  STRUCT('identifier 33', r.other_provider_identifier_33, r.other_provider_identifier_state_33, IF(r.other_provider_identifier_type_code_33 = '05', '05', NULL)),
  STRUCT('identifier 34', r.other_provider_identifier_34, r.other_provider_identifier_state_34, IF(r.other_provider_identifier_type_code_34 = '05', '05', NULL)),
  STRUCT('identifier 35', r.other_provider_identifier_35, r.other_provider_identifier_state_35, IF(r.other_provider_identifier_type_code_35 = '05', '05', NULL)),
  STRUCT('identifier 36', r.other_provider_identifier_36, r.other_provider_identifier_state_36, IF(r.other_provider_identifier_type_code_36 = '05', '05', NULL)),
  STRUCT('identifier 37', r.other_provider_identifier_37, r.other_provider_identifier_state_37, IF(r.other_provider_identifier_type_code_37 = '05', '05', NULL)),
  STRUCT('identifier 38', r.other_provider_identifier_38, r.other_provider_identifier_state_38, IF(r.other_provider_identifier_type_code_38 = '05', '05', NULL)),
  STRUCT('identifier 39', r.other_provider_identifier_39, r.other_provider_identifier_state_39, IF(r.other_provider_identifier_type_code_39 = '05', '05', NULL)),
  STRUCT('identifier 40', r.other_provider_identifier_40, r.other_provider_identifier_state_40, IF(r.other_provider_identifier_type_code_40 = '05', '05', NULL)),
  STRUCT('identifier 41', r.other_provider_identifier_41, r.other_provider_identifier_state_41, IF(r.other_provider_identifier_type_code_41 = '05', '05', NULL)),
  STRUCT('identifier 42', r.other_provider_identifier_42, r.other_provider_identifier_state_42, IF(r.other_provider_identifier_type_code_42 = '05', '05', NULL)),
  STRUCT('identifier 43', r.other_provider_identifier_43, r.other_provider_identifier_state_43, IF(r.other_provider_identifier_type_code_43 = '05', '05', NULL)),
  STRUCT('identifier 44', r.other_provider_identifier_44, r.other_provider_identifier_state_44, IF(r.other_provider_identifier_type_code_44 = '05', '05', NULL)),
  STRUCT('identifier 45', r.other_provider_identifier_45, r.other_provider_identifier_state_45, IF(r.other_provider_identifier_type_code_45 = '05', '05', NULL)),
  STRUCT('identifier 46', r.other_provider_identifier_46, r.other_provider_identifier_state_46, IF(r.other_provider_identifier_type_code_46 = '05', '05', NULL)),
  STRUCT('identifier 47', r.other_provider_identifier_47, r.other_provider_identifier_state_47, IF(r.other_provider_identifier_type_code_47 = '05', '05', NULL)),
  STRUCT('identifier 48', r.other_provider_identifier_48, r.other_provider_identifier_state_48, IF(r.other_provider_identifier_type_code_48 = '05', '05', NULL)),
  STRUCT('identifier 49', r.other_provider_identifier_49, r.other_provider_identifier_state_49, IF(r.other_provider_identifier_type_code_49 = '05', '05', NULL)),
  STRUCT('identifier 50', r.other_provider_identifier_50, r.other_provider_identifier_state_50, IF(r.other_provider_identifier_type_code_50 = '05', '05', NULL))
]) AS slot
WHERE TRIM(slot.state) != '' AND TRIM(slot.number) != ''
  AND (STARTS_WITH(slot.slot, 'licence') OR slot.code IS NULL)
