-- Answers of a ledger that are there more than once. @vendor STRING, @operation STRING.
SELECT request_key, COUNT(*) AS times
FROM raw.vendor_response
WHERE vendor = @vendor AND operation = @operation
GROUP BY request_key HAVING COUNT(*) > 1
ORDER BY request_key
