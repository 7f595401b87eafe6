-- USD spent on answers in the calendar month of @as_of TIMESTAMP, up to it: usd.
SELECT COALESCE(SUM(cost_usd), 0.0) AS usd
FROM enriched.answer
WHERE asked_at >= TIMESTAMP_TRUNC(@as_of, MONTH)
  AND asked_at < TIMESTAMP_ADD(TIMESTAMP_TRUNC(@as_of, DAY), INTERVAL 1 DAY)
