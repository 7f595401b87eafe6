-- One row for each first e-mail of a campaign to a person that is old enough to be judged at @as_of: the newest
-- features from before the send, and whether a positive response came within @maturity_days. Two years back at most.
-- @as_of TIMESTAMP, @maturity_days INT64.
WITH send AS (
  SELECT person_id, campaign_id, MIN(occurred_at) AS sent_at
  FROM clean.event
  WHERE canonical_type = 'email_sent'
    AND step = 1
    AND person_id IS NOT NULL
    AND occurred_at >= TIMESTAMP_SUB(@as_of, INTERVAL 730 DAY)
    AND occurred_at <= @as_of
  GROUP BY person_id, campaign_id
),
mature AS (
  SELECT * FROM send WHERE TIMESTAMP_ADD(sent_at, INTERVAL @maturity_days DAY) <= @as_of
),
response AS (
  SELECT person_id, occurred_at
  FROM clean.event
  WHERE person_id IS NOT NULL
    AND occurred_at >= TIMESTAMP_SUB(@as_of, INTERVAL 730 DAY)
    AND occurred_at <= @as_of
    AND (
      canonical_type IN ('meeting_booked', 'purchase', 'deal_won')
      OR (sender = 'instantly' AND vendor_event IN ('lead_interested', 'lead_meeting_booked'))
    )
),
labeled AS (
  SELECT
    m.person_id,
    m.campaign_id,
    m.sent_at,
    COUNTIF(r.occurred_at >= m.sent_at AND r.occurred_at <= TIMESTAMP_ADD(m.sent_at, INTERVAL @maturity_days DAY)) > 0
      AS responded
  FROM mature AS m
  LEFT JOIN response AS r ON r.person_id = m.person_id
  GROUP BY m.person_id, m.campaign_id, m.sent_at
)
SELECT CONCAT(s.person_id, ':', IFNULL(s.campaign_id, '')) AS row_id, s.sent_at, s.responded, f.*
FROM labeled AS s
JOIN features.lead AS f ON f.person_id = s.person_id AND f.as_of <= s.sent_at
WHERE f.as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 760 DAY) AND f.as_of <= @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY s.person_id, s.campaign_id ORDER BY f.as_of DESC) = 1
ORDER BY sent_at, row_id
