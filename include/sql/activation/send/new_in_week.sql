-- New leads that @destination accepted in the days @monday to @sunday.
-- @destination STRING, @monday DATE, @sunday DATE.
SELECT COUNT(DISTINCT person_id) AS sent
FROM activation.send
WHERE destination = @destination AND operation = 'create' AND status = 'sent' AND sent_date BETWEEN @monday AND @sunday
