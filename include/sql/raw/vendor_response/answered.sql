-- The calls of @vendor STRING and @operation STRING whose answer is loaded: call_key.
SELECT DISTINCT COALESCE(call_key, request_key) AS call_key
FROM raw.vendor_response
WHERE vendor = @vendor AND operation = @operation AND status != 'outcome_unknown'
