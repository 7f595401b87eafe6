-- Forget calls with an unknown outcome whose claim was withdrawn from the ledger since: the vendor certainly did not
-- make them.
-- @vendor STRING, @operation STRING, @request_keys ARRAY<STRING>.
DELETE FROM raw.vendor_response
WHERE vendor = @vendor
  AND operation = @operation
  AND status = 'outcome_unknown'
  AND request_key IN UNNEST(@request_keys)
