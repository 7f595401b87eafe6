-- clean.event -> clean.suppression: opt-outs, bounces, DND and refusals, by address and by person, earliest first.
-- It only ever adds or moves `since` back. A consent that is given again lifts nothing: that is a person's decision.
MERGE clean.suppression AS t
USING (
  WITH blocks AS (
    -- An opt-out and a refusal hold for the person; a bounce and a wrong person say something about the address alone.
    SELECT email_hash, person_id, 'email' AS channel, 'unsubscribed' AS reason, occurred_at
    FROM clean.event WHERE canonical_type = 'email_unsubscribed'
    UNION ALL
    SELECT email_hash, NULL, 'email', 'bounced', occurred_at
    FROM clean.event WHERE canonical_type = 'email_bounced'
    UNION ALL
    SELECT email_hash, person_id, 'email', 'do_not_contact', occurred_at
    FROM clean.event WHERE canonical_type = 'lead_status_changed' AND vendor_event = 'lead_not_interested'
    UNION ALL
    SELECT email_hash, NULL, 'email', 'wrong_person', occurred_at
    FROM clean.event WHERE canonical_type = 'lead_status_changed' AND vendor_event = 'lead_wrong_person'
    UNION ALL
    SELECT email_hash, person_id, 'sms', 'unsubscribed', occurred_at
    FROM clean.event WHERE canonical_type = 'sms_opted_out'
    UNION ALL
    SELECT
      email_hash,
      -- The stop that activation wrote for an address that failed comes back, and closes no other address of the person.
      IF(channel = 'email' AND JSON_VALUE(attributes, '$.of_address') = 'true', NULL, person_id),
      channel, 'dnd', occurred_at
    FROM clean.event
    CROSS JOIN UNNEST(['all', 'email', 'sms', 'call']) AS channel
    -- Any message may carry it: a contact can be created with do-not-disturb already on.
    -- A member of a JSON object cannot be chosen by a column in BigQuery, so each channel names its own.
    WHERE CASE channel
      WHEN 'all' THEN JSON_VALUE(attributes, '$.dnd')
      WHEN 'email' THEN JSON_VALUE(attributes, '$.dnd_email')
      WHEN 'sms' THEN JSON_VALUE(attributes, '$.dnd_sms')
      ELSE JSON_VALUE(attributes, '$.dnd_call')
    END = 'true'
  ),
  identified AS (
    -- What a person read in a body that no rule could read.
    SELECT identifier_type, identifier_hash, channel, 'decided' AS reason, decided_at AS since
    FROM clean.opt_out_decision
    WHERE channel IS NOT NULL AND identifier_type IS NOT NULL AND identifier_hash IS NOT NULL
    UNION ALL
    SELECT 'email' AS identifier_type, email_hash AS identifier_hash, channel, reason, occurred_at AS since
    FROM blocks WHERE email_hash IS NOT NULL
    UNION ALL
    SELECT 'person', person_id, channel, reason, occurred_at
    FROM blocks WHERE person_id IS NOT NULL
  )
  SELECT identifier_type, identifier_hash, channel, reason, since FROM identified
  WHERE TRUE  -- BigQuery wants a WHERE, GROUP BY or HAVING beside QUALIFY.
  QUALIFY ROW_NUMBER() OVER (PARTITION BY identifier_type, identifier_hash, channel ORDER BY since, reason) = 1
) AS s
ON t.identifier_type = s.identifier_type AND t.identifier_hash = s.identifier_hash AND t.channel = s.channel
WHEN MATCHED AND (s.since < t.since OR (s.since = t.since AND s.reason < t.reason)) THEN
  UPDATE SET since = s.since, reason = s.reason
WHEN NOT MATCHED BY TARGET THEN
  INSERT (identifier_type, identifier_hash, channel, reason, since)
  VALUES (s.identifier_type, s.identifier_hash, s.channel, s.reason, s.since);
