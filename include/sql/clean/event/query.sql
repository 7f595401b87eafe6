-- raw.event -> clean.event: canonical types, one row per happening, the person behind it.
-- A fold over all of RAW that looks at no clock and at no order of arrival: any order and any repeat of partitions ends in
-- the same rows. It reads the whole log because people are resolved late: a contact bought today may explain an old event.
-- Every raw row becomes an event, a rejected row, or is filtered (duplicate, ignored), and ops.balance says how many.
CREATE TEMP TABLE classified AS
WITH parsed AS (
  SELECT
    sender, dedup_key, received_date, received_at, verified,
    -- JSON_VALUE on a malformed STRING is an error in the emulator and NULL in BigQuery; SAFE.PARSE_JSON is NULL in both.
    -- Without 'round', BigQuery refuses a whole body for one number with too many digits.
    SAFE.PARSE_JSON(body, wide_number_mode => 'round') AS payload,
    ROW_NUMBER() OVER (PARTITION BY sender, dedup_key ORDER BY received_at, received_date, body_sha256) AS delivery
  FROM raw.event
),
named AS (
  SELECT
    *,
    CASE
      WHEN sender = 'instantly' THEN JSON_VALUE(payload, '$.event_type')
      WHEN JSON_VALUE(payload, '$.type') IS NOT NULL THEN JSON_VALUE(payload, '$.type')
      -- GHL documents InvoicePaid without a type: known by its shape.
      WHEN JSON_VALUE(payload, '$.invoiceNumber') IS NOT NULL AND JSON_VALUE(payload, '$.status') = 'paid' THEN 'InvoicePaid'
    END AS vendor_event
  FROM parsed
),
facts AS (
  SELECT
    *,
    (SELECT LOGICAL_AND(JSON_VALUE(item, '$.price.type') = 'one_time') FROM UNNEST(JSON_QUERY_ARRAY(payload, '$.items')) AS item) AS is_one_time,
    (SELECT LOGICAL_OR(JSON_VALUE(item, '$.price.type') = 'recurring') FROM UNNEST(JSON_QUERY_ARRAY(payload, '$.items')) AS item) AS is_recurring,
    LOWER(TRIM(COALESCE(
      JSON_VALUE(payload, '$.lead_email'), JSON_VALUE(payload, '$.email'), JSON_VALUE(payload, '$.contactDetails.email'),
      JSON_VALUE(payload, '$.contactSnapshot.email'), JSON_VALUE(payload, '$.webhookPayload.recipient')
    ))) AS email,
    IF(sender = 'ghl', COALESCE(
      JSON_VALUE(payload, '$.contactId'), JSON_VALUE(payload, '$.appointment.contactId'),
      JSON_VALUE(payload, '$.contactDetails.id'), JSON_VALUE(payload, '$.contactSnapshot.id'),
      IF(STARTS_WITH(vendor_event, 'Contact'), JSON_VALUE(payload, '$.id'), NULL)
    ), NULL) AS destination_id,
    COALESCE(
      SAFE_CAST(CASE
        WHEN sender = 'instantly' THEN JSON_VALUE(payload, '$.timestamp')
        -- dateAdded of an opportunity's update is when the deal was created: only its creation takes that.
        WHEN vendor_event IN ('ContactCreate', 'OpportunityCreate', 'InboundMessage') THEN JSON_VALUE(payload, '$.dateAdded')
        WHEN vendor_event = 'AppointmentCreate' THEN JSON_VALUE(payload, '$.appointment.dateAdded')
        WHEN vendor_event = 'OrderCreate' THEN JSON_VALUE(payload, '$.createdAt')
        WHEN vendor_event IN ('OrderStatusUpdate', 'InvoicePaid') THEN JSON_VALUE(payload, '$.updatedAt')
      END AS TIMESTAMP),
      SAFE.TIMESTAMP_SECONDS(SAFE_CAST(SAFE_CAST(JSON_VALUE(payload, '$.webhookPayload.timestamp') AS FLOAT64) AS INT64)),
      SAFE_CAST(JSON_VALUE(payload, '$.timestamp') AS TIMESTAMP),
      received_at
    ) AS occurred_at
  FROM named
),
typed AS (
  SELECT
    *,
    CASE
      WHEN sender = 'instantly' THEN CASE
        WHEN vendor_event IN ('email_sent', 'email_opened', 'email_bounced') THEN vendor_event
        -- The vendor's guide says link_clicked, its API says email_link_clicked.
        WHEN vendor_event IN ('link_clicked', 'email_link_clicked') THEN 'email_clicked'
        WHEN vendor_event = 'reply_received' THEN 'email_replied'
        WHEN vendor_event = 'auto_reply_received' THEN 'email_auto_replied'
        WHEN vendor_event = 'lead_unsubscribed' THEN 'email_unsubscribed'
        WHEN vendor_event = 'lead_meeting_booked' THEN 'meeting_booked'
        WHEN vendor_event IN ('lead_meeting_completed', 'lead_no_show') THEN 'meeting_status_changed'
        -- lead_closed is a label that somebody set in an inbox: deal_won comes from the CRM only.
        WHEN vendor_event IN ('lead_interested', 'lead_not_interested', 'lead_neutral', 'lead_out_of_office',
          'lead_wrong_person', 'lead_closed', 'lead_skipped', 'lead_lost') THEN 'lead_status_changed'
        WHEN vendor_event = 'account_error' THEN 'sender_health'
        WHEN vendor_event IN ('campaign_completed', 'campaign_completed_for_lead_without_reply',
          'supersearch_enrichment_completed') THEN 'ignored'
      END
      WHEN sender = 'ghl' THEN CASE
        WHEN vendor_event = 'ContactCreate' THEN 'contact_created'
        WHEN vendor_event = 'ContactDndUpdate' THEN 'consent_changed'
        WHEN vendor_event = 'OpportunityCreate' THEN 'deal_created'
        WHEN vendor_event = 'OpportunityStageUpdate' THEN 'deal_stage_changed'
        WHEN vendor_event = 'OpportunityStatusUpdate' THEN CASE JSON_VALUE(payload, '$.status')
          WHEN 'won' THEN 'deal_won' WHEN 'lost' THEN 'deal_lost' WHEN 'abandoned' THEN 'deal_lost' ELSE 'ignored' END
        WHEN vendor_event = 'AppointmentCreate' THEN
          IF(JSON_VALUE(payload, '$.appointment.appointmentStatus') IN ('cancelled', 'invalid'), 'ignored', 'meeting_booked')
        WHEN vendor_event IN ('AppointmentUpdate', 'AppointmentDelete') THEN 'meeting_status_changed'
        WHEN vendor_event = 'InvoicePaid' THEN 'purchase'
        WHEN vendor_event IN ('OrderCreate', 'OrderStatusUpdate') THEN CASE
          WHEN COALESCE(JSON_VALUE(payload, '$.status'), '') != 'completed' THEN 'ignored'
          -- A hint only: GHL pushes no subscription event, so starts and renewals are confirmed by a pull.
          WHEN is_recurring THEN 'subscription_started'
          WHEN is_one_time THEN 'purchase'
          ELSE 'ignored' END
        WHEN vendor_event = 'LCEmailStats' THEN CASE JSON_VALUE(payload, '$.webhookPayload.event')
          WHEN 'delivered' THEN 'email_sent' WHEN 'opened' THEN 'email_opened' WHEN 'clicked' THEN 'email_clicked'
          WHEN 'failed' THEN 'email_bounced' WHEN 'unsubscribed' THEN 'email_unsubscribed'
          WHEN 'complained' THEN 'email_unsubscribed' END
        WHEN vendor_event = 'InboundMessage' THEN CASE JSON_VALUE(payload, '$.messageType')
          WHEN 'Email' THEN 'email_replied' WHEN 'SMS' THEN 'sms_replied' ELSE 'ignored' END
        WHEN vendor_event IN ('ContactUpdate', 'ContactTagUpdate', 'ContactDelete', 'OpportunityUpdate',
          'OpportunityMonetaryValueUpdate', 'OpportunityAssignedToUpdate', 'OpportunityDelete', 'InvoiceCreate',
          'InvoiceUpdate', 'InvoiceDelete', 'InvoiceSent', 'InvoicePartiallyPaid', 'InvoiceVoid', 'OutboundMessage',
          'ProviderOutboundMessage', 'INSTALL', 'UNINSTALL') THEN 'ignored'
      END
      -- Answers to our own paid questions: whoever asked reads them, they are nothing that happened with a lead.
      WHEN sender IN ('wiza', 'apollo', 'clay', 'clay_table') THEN 'ignored'
    END AS vendor_meaning
  FROM facts
),
-- An address or a contact id that two people share names nobody.
person_of_contact AS (
  -- Without the table's name HAVING would read the alias person_id, an aggregate already.
  SELECT known.remote_id, MIN(known.person_id) AS person_id FROM activation.sync_state AS known
  WHERE known.destination = 'ghl' AND known.remote_id IS NOT NULL
  GROUP BY known.remote_id HAVING COUNT(DISTINCT known.person_id) = 1
),
person_of_email AS (
  SELECT LOWER(TRIM(contact.email)) AS email, MIN(contact.person_id) AS person_id FROM enriched.contact AS contact
  WHERE contact.email IS NOT NULL
  GROUP BY LOWER(TRIM(contact.email)) HAVING COUNT(DISTINCT contact.person_id) = 1
),
resolved AS (
  SELECT
    t.*,
    COALESCE(
      -- Our own upload comes back as top-level keys of an Instantly event.
      IF(t.sender = 'instantly', REGEXP_EXTRACT(JSON_VALUE(t.payload, '$.person_id'), r'^p[0-9a-f]{20}$'), NULL),
      c.person_id,
      e.person_id
    ) AS person_id,
    CASE
      WHEN NOT t.verified THEN 'not_verified'
      WHEN t.payload IS NULL OR JSON_TYPE(t.payload) != 'object' THEN 'body_unparseable'
      WHEN t.vendor_meaning IS NULL THEN 'event_type_unknown'
    END AS broken_rule,
    -- One paid order is announced twice (created as completed, then its status): it is one purchase.
    TO_HEX(SHA256(CONCAT(t.sender, '|', COALESCE(
      IF(t.vendor_meaning IN ('purchase', 'subscription_started'),
        CONCAT(IF(t.vendor_event = 'InvoicePaid', 'invoice:', 'order:'), JSON_VALUE(t.payload, '$._id')), NULL),
      t.dedup_key
    )))) AS event_id
  FROM typed AS t
  LEFT JOIN person_of_contact AS c ON c.remote_id = t.destination_id
  LEFT JOIN person_of_email AS e ON e.email = t.email
),
-- A meeting that the CRM booked within three days of the label in the inbox is the same meeting.
booked_twice AS (
  SELECT DISTINCT label.event_id
  FROM resolved AS label
  JOIN resolved AS crm ON crm.person_id = label.person_id
  WHERE label.sender = 'instantly' AND label.vendor_meaning = 'meeting_booked'
    AND crm.sender = 'ghl' AND crm.vendor_meaning = 'meeting_booked' AND crm.broken_rule IS NULL
    AND ABS(TIMESTAMP_DIFF(crm.occurred_at, label.occurred_at, SECOND)) <= 3 * 24 * 3600
)
SELECT
  r.*,
  -- In this statement, so that a partition which is loaded meanwhile is not taken for a loss.
  (SELECT COUNT(*) FROM raw.event) AS raw_rows,
  IF(b.event_id IS NULL, r.vendor_meaning, 'lead_status_changed') AS canonical_type,
  CASE
    WHEN r.delivery > 1 THEN 'duplicate'
    WHEN r.broken_rule IS NOT NULL THEN 'rejected'
    WHEN r.vendor_meaning = 'ignored' THEN 'ignored'
    WHEN ROW_NUMBER() OVER (
      PARTITION BY r.event_id, r.delivery > 1, r.broken_rule, r.vendor_meaning = 'ignored'
      ORDER BY r.received_at, r.received_date, r.dedup_key
    ) > 1 THEN 'duplicate'
    ELSE 'event'
  END AS outcome
FROM resolved AS r
LEFT JOIN booked_twice AS b ON b.event_id = r.event_id;

MERGE clean.event AS t
USING (
  SELECT
    event_id, canonical_type, sender, vendor_event, occurred_at, received_date, dedup_key, person_id, destination_id,
    TO_HEX(SHA256(email)) AS email_hash,
    IF(sender = 'instantly', JSON_VALUE(payload, '$.campaign_id'), NULL) AS campaign_id,
    IF(sender = 'instantly', JSON_VALUE(payload, '$.content_block_id'), NULL) AS content_block_id,
    IF(sender = 'instantly', SAFE_CAST(JSON_VALUE(payload, '$.step') AS INT64), NULL) AS step,
    -- The emulator reads a comparison among these arguments only in parentheses.
    JSON_STRIP_NULLS(JSON_OBJECT(
      'audience_id', JSON_VALUE(payload, '$.audience_id'),
      'variant', SAFE_CAST(JSON_VALUE(payload, '$.variant') AS INT64),
      'is_first', (JSON_VALUE(payload, '$.is_first') = 'true'),
      'status', COALESCE(JSON_VALUE(payload, '$.status'), JSON_VALUE(payload, '$.appointment.appointmentStatus')),
      'amount', SAFE_CAST(COALESCE(JSON_VALUE(payload, '$.monetaryValue'), JSON_VALUE(payload, '$.amountPaid'),
        JSON_VALUE(payload, '$.amount')) AS FLOAT64),
      'currency', JSON_VALUE(payload, '$.currency'),
      'object_id', COALESCE(JSON_VALUE(payload, '$.appointment.id'), JSON_VALUE(payload, '$._id'),
        IF(STARTS_WITH(vendor_event, 'Opportunity'), JSON_VALUE(payload, '$.id'), NULL)),
      'starts_at', JSON_VALUE(payload, '$.appointment.startTime'),
      'dnd', (JSON_VALUE(payload, '$.dnd') = 'true'),
      -- GHL writes the channels with a capital in webhooks of the older version and without one in v3.
      'dnd_email', (COALESCE(JSON_VALUE(payload, '$.dndSettings.Email.status'),
        JSON_VALUE(payload, '$.dndSettings.email.status')) IN ('active', 'permanent')),
      'dnd_sms', (COALESCE(JSON_VALUE(payload, '$.dndSettings.SMS.status'),
        JSON_VALUE(payload, '$.dndSettings.sms.status')) IN ('active', 'permanent')),
      'dnd_call', (COALESCE(JSON_VALUE(payload, '$.dndSettings.Call.status'),
        JSON_VALUE(payload, '$.dndSettings.call.status')) IN ('active', 'permanent'))
    )) AS attributes
  FROM classified
  WHERE outcome = 'event'
) AS s
ON t.event_id = s.event_id
WHEN MATCHED AND (
  t.canonical_type != s.canonical_type OR t.vendor_event != s.vendor_event OR t.occurred_at != s.occurred_at
  OR t.received_date != s.received_date OR t.dedup_key != s.dedup_key
  OR t.person_id IS DISTINCT FROM s.person_id OR t.destination_id IS DISTINCT FROM s.destination_id
  OR t.email_hash IS DISTINCT FROM s.email_hash OR t.campaign_id IS DISTINCT FROM s.campaign_id
  OR t.content_block_id IS DISTINCT FROM s.content_block_id OR t.step IS DISTINCT FROM s.step
  -- JSON has no comparison in BigQuery.
  OR TO_JSON_STRING(t.attributes) != TO_JSON_STRING(s.attributes)
) THEN UPDATE SET
  canonical_type = s.canonical_type, vendor_event = s.vendor_event, occurred_at = s.occurred_at,
  received_date = s.received_date, dedup_key = s.dedup_key, person_id = s.person_id,
  destination_id = s.destination_id, email_hash = s.email_hash, campaign_id = s.campaign_id,
  content_block_id = s.content_block_id, step = s.step, attributes = s.attributes
WHEN NOT MATCHED BY TARGET THEN
  INSERT (event_id, canonical_type, sender, vendor_event, occurred_at, received_date, dedup_key, person_id,
    destination_id, email_hash, campaign_id, content_block_id, step, attributes)
  VALUES (s.event_id, s.canonical_type, s.sender, s.vendor_event, s.occurred_at, s.received_date, s.dedup_key, s.person_id,
    s.destination_id, s.email_hash, s.campaign_id, s.content_block_id, s.step, s.attributes)
WHEN NOT MATCHED BY SOURCE THEN DELETE;

-- The MERGE stands before the transaction because the emulator has no MERGE inside one. A crash between the two leaves
-- refusals and counts of the run before, check.sql then stops the DAG, and the next run mends it.
BEGIN TRANSACTION;

DELETE FROM clean.rejected_row WHERE table_name = 'clean.event';

INSERT INTO clean.rejected_row (run_date, table_name, row_key, rule, value, reason, source_object, line)
SELECT
  received_date, 'clean.event', CONCAT(sender, '/', dedup_key), broken_rule,
  IF(broken_rule = 'event_type_unknown', SUBSTR(vendor_event, 1, 200), NULL),
  CASE broken_rule
    WHEN 'not_verified' THEN 'The sender did not prove itself, so the event counts for nothing.'
    WHEN 'body_unparseable' THEN 'The body is not a JSON object: read the inbox object, then ask the sender.'
    ELSE 'No canonical type for this event type: add it to include/sql/clean/event/query.sql, or to the ignored ones there.'
  END,
  CONCAT('inbox/', CAST(received_date AS STRING), '/', sender, '/', dedup_key, '.json'),
  CAST(NULL AS INT64)
FROM classified
WHERE outcome = 'rejected';

DELETE FROM ops.balance WHERE table_name = 'clean.event';

INSERT INTO ops.balance (table_name, kind, reason, row_count)
SELECT 'clean.event', 'in', 'raw.event', COALESCE(MAX(raw_rows), 0) FROM classified
UNION ALL
SELECT 'clean.event', 'out', 'clean.event', COUNT(*) FROM clean.event
UNION ALL
SELECT 'clean.event', 'rejected', rule, COUNT(*) FROM clean.rejected_row WHERE table_name = 'clean.event' GROUP BY rule
UNION ALL
SELECT 'clean.event', 'filtered', outcome, COUNT(*) FROM classified WHERE outcome IN ('duplicate', 'ignored') GROUP BY outcome;

COMMIT TRANSACTION;
