-- From which day on an event may name a suppressed address that does not stand on @destination's block list; NULL:
-- there is none.
-- Two days before, because a sender's clock may be ahead of ours. @destination STRING.
SELECT DATE_SUB(MIN(DATE(s.since)), INTERVAL 2 DAY) AS first_day
FROM clean.suppression AS s
LEFT JOIN activation.block_list AS b
  ON b.destination = @destination AND b.email_hash = s.identifier_hash AND b.status = 'blocked'
WHERE s.identifier_type = 'email' AND s.channel IN ('email', 'all') AND b.email_hash IS NULL
