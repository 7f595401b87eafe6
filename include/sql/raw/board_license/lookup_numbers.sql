-- The dental license numbers of one state that NPPES knows, from all 15 slots and all weeks: what a look-up asks for.
-- @state STRING.
SELECT DISTINCT TRIM(slot.number) AS number
FROM raw.nppes_npi AS n
CROSS JOIN UNNEST([
  STRUCT(
    n.provider_license_number_1 AS number,
    n.provider_license_number_state_code_1 AS state,
    n.healthcare_provider_taxonomy_code_1 AS code
  ),
  STRUCT(n.provider_license_number_2, n.provider_license_number_state_code_2, n.healthcare_provider_taxonomy_code_2),
  STRUCT(n.provider_license_number_3, n.provider_license_number_state_code_3, n.healthcare_provider_taxonomy_code_3),
  STRUCT(n.provider_license_number_4, n.provider_license_number_state_code_4, n.healthcare_provider_taxonomy_code_4),
  STRUCT(n.provider_license_number_5, n.provider_license_number_state_code_5, n.healthcare_provider_taxonomy_code_5),
  STRUCT(n.provider_license_number_6, n.provider_license_number_state_code_6, n.healthcare_provider_taxonomy_code_6),
  STRUCT(n.provider_license_number_7, n.provider_license_number_state_code_7, n.healthcare_provider_taxonomy_code_7),
  STRUCT(n.provider_license_number_8, n.provider_license_number_state_code_8, n.healthcare_provider_taxonomy_code_8),
  STRUCT(n.provider_license_number_9, n.provider_license_number_state_code_9, n.healthcare_provider_taxonomy_code_9),
  STRUCT(n.provider_license_number_10, n.provider_license_number_state_code_10, n.healthcare_provider_taxonomy_code_10),
  STRUCT(n.provider_license_number_11, n.provider_license_number_state_code_11, n.healthcare_provider_taxonomy_code_11),
  STRUCT(n.provider_license_number_12, n.provider_license_number_state_code_12, n.healthcare_provider_taxonomy_code_12),
  STRUCT(n.provider_license_number_13, n.provider_license_number_state_code_13, n.healthcare_provider_taxonomy_code_13),
  STRUCT(n.provider_license_number_14, n.provider_license_number_state_code_14, n.healthcare_provider_taxonomy_code_14),
  STRUCT(n.provider_license_number_15, n.provider_license_number_state_code_15, n.healthcare_provider_taxonomy_code_15)
]) AS slot
WHERE slot.state = @state AND slot.number IS NOT NULL AND (STARTS_WITH(slot.code, '1223') OR slot.code = '125Q00000X')
ORDER BY number
