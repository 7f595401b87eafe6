-- Fold the validators' answers into clean.address: of each address the newest answer counts. Reads the same bodies as
-- usps_verdict and addy_verdict in include/contacts/address_validation.py. Where nobody was asked or no answer came
-- the status
-- says so, and the next run asks: a validator that is down holds nothing up.
MERGE clean.address AS t
USING (
  WITH answer AS (
    SELECT vendor, JSON_VALUE(request, '$.standard_key') AS asked_key, request, http_status, body, responded_at,
      request_key
    FROM raw.vendor_response
    WHERE vendor IN ('usps', 'addy') AND operation = 'address' AND status = 'responded'
    QUALIFY ROW_NUMBER() OVER (PARTITION BY JSON_VALUE(request, '$.standard_key') ORDER BY responded_at DESC,
      request_key) = 1
  ),
  told AS (
    SELECT
      asked_key, vendor AS validator, responded_at AS validated_at, request_key AS response_key,
      JSON_VALUE(request, '$.line') AS asked_line,
      JSON_VALUE(request, '$.unit') AS asked_unit,
      JSON_VALUE(request, '$.postal_code') AS asked_code,
      IF(vendor = 'usps', JSON_VALUE(body, '$.additionalInfo.DPVConfirmation'), NULL) AS dpv,
      NULLIF(UPPER(
        TRIM(IF(vendor = 'usps', JSON_VALUE(body, '$.address.streetAddress'),
        JSON_VALUE(body, '$.address.displayline')))), '') AS line,
      NULLIF(UPPER(TRIM(IF(vendor = 'usps', JSON_VALUE(body, '$.address.secondaryAddress'), NULL))), '') AS unit,
      NULLIF(UPPER(TRIM(JSON_VALUE(body, '$.address.city'))), '') AS city,
      NULLIF(UPPER(
        TRIM(IF(vendor = 'usps', JSON_VALUE(body, '$.address.state'), JSON_VALUE(body, '$.address.region')))), '')
          AS state,
      NULLIF(UPPER(
        TRIM(IF(vendor = 'usps', JSON_VALUE(body, '$.address.ZIPCode'), JSON_VALUE(body, '$.address.postcode')))), '')
          AS zip5,
      NULLIF(JSON_VALUE(body, '$.address.ZIPPlus4'), '') AS zip4,
      CASE JSON_VALUE(body, '$.additionalInfo.vacant') WHEN 'Y' THEN TRUE WHEN 'N' THEN FALSE END AS is_vacant,
      CASE JSON_VALUE(body, '$.additionalInfo.business') WHEN 'Y' THEN TRUE WHEN 'N' THEN FALSE END AS is_business
    FROM answer
  ),
  verdict AS (
    SELECT
      *,
      CASE
        WHEN validator = 'addy' AND line IS NULL THEN 'undeliverable'
        WHEN validator = 'addy' AND line = asked_line AND zip5 IS NOT DISTINCT FROM asked_code THEN 'confirmed'
        WHEN validator = 'addy' THEN 'corrected'
        WHEN dpv = 'Y' AND line IS NOT DISTINCT FROM asked_line AND unit IS NOT DISTINCT FROM asked_unit
          AND zip5 IS NOT DISTINCT FROM asked_code THEN 'confirmed'
        WHEN dpv = 'Y' THEN 'corrected'
        WHEN dpv = 'D' THEN 'missing_unit'
        WHEN dpv = 'S' THEN 'wrong_unit'
        ELSE 'undeliverable'
      END AS status
    FROM told
  )
  SELECT
    a.address_key,
    CASE
      WHEN v.asked_key IS NOT NULL THEN v.status
      WHEN a.standard_key IS NULL OR NOT REGEXP_CONTAINS(a.delivery_line, r'[0-9]')
        OR a.country IS NULL THEN 'not_asked'
      WHEN a.country NOT IN ('US', 'NZ', 'AU') THEN 'unsupported_country'
      WHEN a.country = 'US' AND (a.state IS NULL OR (a.city IS NULL AND a.zip5 IS NULL)) THEN 'not_asked'
      ELSE 'pending'
    END AS validation_status,
    v.validator, v.dpv, v.line, v.unit, v.city, v.state, v.zip5, v.zip4, v.is_vacant, v.is_business, v.validated_at,
    v.response_key
  FROM clean.address AS a
  LEFT JOIN verdict AS v ON v.asked_key = a.standard_key
) AS s
ON t.address_key = s.address_key
WHEN MATCHED AND (
  t.validation_status IS DISTINCT FROM s.validation_status OR t.response_key IS DISTINCT FROM s.response_key
) THEN UPDATE SET
  validation_status = s.validation_status,
  validator = s.validator,
  dpv = s.dpv,
  validated_line = s.line,
  validated_unit = s.unit,
  validated_city = s.city,
  validated_state = s.state,
  validated_zip5 = s.zip5,
  validated_zip4 = s.zip4,
  is_vacant = s.is_vacant,
  is_business = s.is_business,
  validated_at = s.validated_at,
  response_key = s.response_key
