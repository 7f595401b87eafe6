-- How many places publish a number, secondary locations among them, and whether anybody publishes it as a fax. Both
-- follow from all providers together, so they are not known when the number is standardized. A fax is read by the North
-- American plan: what CMS publishes of elsewhere has no plan to go by.
MERGE clean.phone AS t
USING (
  WITH place AS (
    SELECT phone_e164, COUNT(DISTINCT location_key) AS places
    FROM (
      SELECT phone_e164, practice_id AS location_key FROM clean.provider
      UNION ALL
      SELECT phone_e164, location_key FROM clean.provider_location
    )
    WHERE phone_e164 IS NOT NULL
    GROUP BY phone_e164
  ),
  fax AS (
    SELECT DISTINCT CONCAT('+1', RIGHT(REGEXP_REPLACE(fax, r'[^0-9]', ''), 10)) AS phone_e164
      FROM clean.provider_version WHERE fax IS NOT NULL
  )
  SELECT p.phone_key, IFNULL(place.places, 0) AS shared_by, fax.phone_e164 IS NOT NULL AS is_fax
  FROM clean.phone AS p
  LEFT JOIN place ON place.phone_e164 = p.phone_e164
  LEFT JOIN fax ON fax.phone_e164 = p.phone_e164
) AS s
ON t.phone_key = s.phone_key
WHEN MATCHED AND (t.shared_by != s.shared_by OR t.is_fax != s.is_fax) THEN UPDATE SET shared_by = s.shared_by,
  is_fax = s.is_fax
