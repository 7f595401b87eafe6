-- The published practice addresses of pending NPIs, secondary locations among them, one row each: what clean.address
-- must
-- know before they are folded.
SELECT DISTINCT address_line_1, address_line_2, city, state, postal_code, country
FROM clean.provider_version
WHERE address_key IS NOT NULL AND npi IN (SELECT npi FROM clean.provider_pending)
