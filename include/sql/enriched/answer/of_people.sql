-- What vendors have answered about these people: npi, vendor, status, usable, asked_at, request_key.
-- @npis ARRAY<STRING>.
SELECT npi, vendor, status, usable_email AS usable, asked_at, request_key
FROM enriched.answer
WHERE npi IN UNNEST(@npis)
