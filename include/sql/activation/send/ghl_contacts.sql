-- Persons worth a row in the CRM at @as_of: contacted by Instantly, or engaged on any channel. Never one who is held
-- out. A suppressed person is here only if GHL has the contact already, so that it can be told; by_person: the person
-- opted out of e-mail, and not only an address failed. closed_*: what the person closed; all closes every channel.
-- @as_of TIMESTAMP.
WITH blocked AS (
  SELECT identifier_type, identifier_hash FROM clean.suppression WHERE channel IN ('email', 'all')
  UNION DISTINCT
  -- An opt-out of a person closes the person's inbox for everybody who shares it.
  SELECT 'email', TO_HEX(SHA256(LOWER(TRIM(c.email)))) FROM enriched.contact AS c
  JOIN clean.suppression AS s ON s.identifier_type = 'person' AND s.identifier_hash = c.person_id
  WHERE s.channel IN ('email', 'all') AND c.email IS NOT NULL
),
closed AS (
  SELECT
    identifier_hash AS person_id,
    LOGICAL_OR(channel = 'all') AS closed_all,
    LOGICAL_OR(channel = 'sms') AS closed_sms,
    LOGICAL_OR(channel = 'call') AS closed_call
  FROM clean.suppression
  WHERE identifier_type = 'person'
  GROUP BY identifier_hash
),
engaged AS (
  SELECT DISTINCT person_id FROM clean.event
  WHERE occurred_at < @as_of
    AND occurred_at >= TIMESTAMP_SUB(@as_of, INTERVAL 730 DAY)
    AND person_id IS NOT NULL
    AND canonical_type IN ('email_clicked', 'email_replied', 'meeting_booked', 'deal_won', 'purchase',
      'subscription_started', 'sms_replied')
),
worthy AS (
  SELECT person_id FROM activation.sync_state WHERE destination = 'instantly' AND synced_at <= @as_of
  UNION DISTINCT
  SELECT person_id FROM engaged
  UNION DISTINCT
  SELECT person_id FROM activation.sync_state WHERE destination = 'ghl'
),
contacted AS (
  SELECT person_id, audience_id FROM activation.sync_state WHERE destination = 'instantly'
),
scored AS (
  SELECT person_id, score, rank_pct FROM predictions.lead_score
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
chosen AS (
  SELECT person_id, content_block_id FROM predictions.creative
  WHERE as_of <= @as_of AND as_of >= TIMESTAMP_SUB(@as_of, INTERVAL 35 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY as_of DESC) = 1
),
declared AS (
  SELECT ARRAY_AGG(audience_id) AS audience_ids FROM segmented.audience
),
person AS (
  SELECT
    p.person_id,
    p.npi,
    p.first_name,
    p.last_name,
    p.address_line_1,
    p.city,
    p.state,
    p.zip5,
    LOWER(TRIM(c.email)) AS email,
    IF(c.usable_email, LOWER(TRIM(c.email)), NULL) AS usable_email,
    IFNULL(c.phone_e164, p.phone_e164) AS phone,
    -- GHL merges contacts that share a phone or an e-mail. A number of the whole practice therefore belongs to nobody.
    COUNT(*) OVER (PARTITION BY IFNULL(c.phone_e164, p.phone_e164)) AS people_on_phone
  FROM clean.provider AS p
  LEFT JOIN enriched.contact AS c ON c.npi = p.npi
  WHERE p.entity_type = 'individual'
),
joined AS (
  SELECT
    w.person_id,
    y.remote_id,
    y.status AS held_status,
    y.payload_hash AS held_hash,
    y.sent_at AS held_since,
    y.audience_id AS held_audience,
    d.audience_ids AS our_audiences,
    y.person_id IS NOT NULL AS is_held,
    bp.identifier_hash IS NOT NULL AS by_person,
    bp.identifier_hash IS NOT NULL OR be.identifier_hash IS NOT NULL OR bh.identifier_hash IS NOT NULL AS suppressed,
    IFNULL(cl.closed_all, FALSE) AS closed_all,
    IFNULL(cl.closed_sms, FALSE) AS closed_sms,
    IFNULL(cl.closed_call, FALSE) AS closed_call,
    p.npi,
    p.first_name,
    p.last_name,
    p.address_line_1,
    p.city,
    p.state,
    p.zip5,
    p.usable_email AS email,
    IF(p.people_on_phone = 1, p.phone, NULL) AS phone,
    IF(p.people_on_phone > 1, p.phone, NULL) AS practice_phone,
    l.company_name,
    l.segment,
    l.specialty,
    l.icp_score,
    s.score,
    s.rank_pct,
    x.content_block_id,
    t.audience_id
  FROM worthy AS w
  CROSS JOIN declared AS d
  LEFT JOIN person AS p ON p.person_id = w.person_id
  LEFT JOIN segmented.lead AS l ON l.person_id = w.person_id
  LEFT JOIN scored AS s ON s.person_id = w.person_id
  LEFT JOIN chosen AS x ON x.person_id = w.person_id
  LEFT JOIN contacted AS t ON t.person_id = w.person_id
  LEFT JOIN activation.sync_state AS y ON y.person_id = w.person_id AND y.destination = 'ghl'
  LEFT JOIN segmented.holdout AS h ON h.person_id = w.person_id AND h.arm = 'holdout'
  LEFT JOIN closed AS cl ON cl.person_id = w.person_id
  LEFT JOIN blocked AS bp ON bp.identifier_type = 'person' AND bp.identifier_hash = w.person_id
  LEFT JOIN blocked AS be ON be.identifier_type = 'email' AND be.identifier_hash = TO_HEX(SHA256(p.email))
  LEFT JOIN blocked AS bh ON bh.identifier_type = 'email'
    AND bh.identifier_hash = TO_HEX(SHA256(LOWER(TRIM(JSON_VALUE(y.payload, '$.email')))))
  WHERE h.person_id IS NULL
)
SELECT * FROM joined
WHERE is_held OR (NOT suppressed AND npi IS NOT NULL AND (email IS NOT NULL OR phone IS NOT NULL))
-- Two persons with one inbox would be one contact: the one that GHL has keeps it, else the better one.
QUALIFY email IS NULL
  OR suppressed
  OR ROW_NUMBER() OVER (PARTITION BY email ORDER BY is_held DESC, suppressed, icp_score DESC, person_id) = 1
ORDER BY person_id
