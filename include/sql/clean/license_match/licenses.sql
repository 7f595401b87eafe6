-- The licenses of people, whatever their status: a late dentist's license is what says that an NPI is nobody's any
-- more.
SELECT
  license_key, state, profession, number_normal, number_shared, first_name, middle_name, last_name, name_suffix,
  former_last_name,
  address_line_1 AS line, zip5, address_state, phone_e164, issued_on
FROM clean.license
WHERE holder = 'person'
