-- What the warehouse has of a ledger: settled calls never change, those in doubt may. @vendor STRING, @operation STRING.
SELECT request_key, COALESCE(call_key, request_key) AS call_key, status, requested_date
FROM raw.vendor_response
WHERE vendor = @vendor AND operation = @operation
