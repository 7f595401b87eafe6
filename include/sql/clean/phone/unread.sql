-- The published practice telephones of pending NPIs, secondary locations among them, one row each: what clean.phone
-- must
-- know before they are folded.
SELECT DISTINCT phone, IFNULL(country, 'US') AS country
FROM clean.provider_version
WHERE phone_key IS NOT NULL AND npi IN (SELECT npi FROM clean.provider_pending)
