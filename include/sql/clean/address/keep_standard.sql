-- clean.address_standard (loaded just before) -> clean.address: new texts, and texts that are read otherwise than
-- before. What a validator said of a text stays, unless its standard form is another one now: then it has to be asked
-- again.
BEGIN TRANSACTION;

UPDATE clean.address AS kept
SET delivery_line = told.delivery_line, unit = told.unit, urbanization = told.urbanization, city = told.city,
  state = told.state,
  zip5 = told.zip5, zip4 = told.zip4, postal_code = told.postal_code, country = told.country, kind = told.kind,
  parse_level = told.parse_level, location_key = told.location_key, standard_key = told.standard_key,
  validation_status = IF(kept.standard_key IS DISTINCT FROM told.standard_key, told.validation_status,
    kept.validation_status)
FROM clean.address_standard AS told
WHERE kept.address_key = told.address_key
  AND (
    kept.standard_key IS DISTINCT FROM told.standard_key OR kept.location_key IS DISTINCT FROM told.location_key
    OR kept.zip4 IS DISTINCT FROM told.zip4 OR kept.kind != told.kind OR kept.parse_level != told.parse_level
  );

INSERT INTO clean.address (
  address_key, published_line_1, published_line_2, published_city, published_state, published_postal_code,
  published_country, delivery_line, unit, urbanization, city, state, zip5, zip4, postal_code, country, kind,
  parse_level, location_key, standard_key, validation_status
)
SELECT
  address_key, published_line_1, published_line_2, published_city, published_state, published_postal_code,
  published_country, delivery_line, unit, urbanization, city, state, zip5, zip4, postal_code, country, kind,
  parse_level, location_key, standard_key, validation_status
FROM clean.address_standard
WHERE address_key NOT IN (SELECT address_key FROM clean.address);

COMMIT TRANSACTION;
