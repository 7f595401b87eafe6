-- clean.phone_standard (loaded just before) -> clean.phone: new texts, and texts that are read otherwise than before.
BEGIN TRANSACTION;

UPDATE clean.phone AS kept
SET phone_e164 = told.phone_e164, extension = told.extension, region = told.region, reason = told.reason,
  is_toll_free = told.is_toll_free
FROM clean.phone_standard AS told
WHERE kept.phone_key = told.phone_key
  AND (
    kept.phone_e164 IS DISTINCT FROM told.phone_e164 OR kept.extension IS DISTINCT FROM told.extension
    OR kept.reason IS DISTINCT FROM told.reason OR kept.region IS DISTINCT FROM told.region
      OR kept.is_toll_free != told.is_toll_free
  );

INSERT INTO clean.phone (phone_key, published, country, phone_e164, extension, region, reason, is_toll_free, is_fax,
  shared_by)
SELECT phone_key, published, country, phone_e164, extension, region, reason, is_toll_free, is_fax, shared_by
FROM clean.phone_standard
WHERE phone_key NOT IN (SELECT phone_key FROM clean.phone);

COMMIT TRANSACTION;
