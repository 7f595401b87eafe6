-- raw.event -> clean.event: canonical types, one row per happening, the person behind it.
-- A fold over all of RAW that looks at no clock and at no order of arrival: any order and any repeat of partitions ends in
-- the same rows. It reads the whole log because people are resolved late: a contact bought today may explain an old event.
-- Every raw row becomes an event, a rejected row, or is filtered (duplicate, ignored), and ops.balance says how many.
-- A body that may hold an opt-out which could not be read is an alert until a person decides (clean.opt_out_decision).
CREATE TEMP TABLE classified AS
WITH received AS (
  SELECT
    sender, dedup_key, received_date, received_at, verified, body,
    -- JSON_VALUE on a malformed STRING is an error in the emulator and NULL in BigQuery; SAFE.PARSE_JSON is NULL in both.
    -- Without 'round', BigQuery refuses a whole body for one number with too many digits.
    SAFE.PARSE_JSON(body, wide_number_mode => 'round') AS strict,
    -- What a parser refuses and everybody understands: a byte order mark, raw control characters, half of an emoji.
    SAFE.PARSE_JSON(
      REGEXP_REPLACE(
        REGEXP_REPLACE(
          REGEXP_REPLACE(REGEXP_REPLACE(body, r'\x00', ''), r'^[\x{FEFF}\x{FFFD}\s]+', ''), r'[\x01-\x1F\x7F]', ' '
        ),
        r'(^|[^\\])((?:\\\\)*)(?:\\u[dD][89a-fA-F][0-9a-fA-F]{2})+', r'\1\2?'
      ),
      wide_number_mode => 'round'
    ) AS repaired,
    ROW_NUMBER() OVER (PARTITION BY sender, dedup_key ORDER BY received_at, received_date, body_sha256) AS delivery,
    -- The key of an event is made of some of its fields: what comes under it again may say more.
    body_sha256, ROW_NUMBER() OVER (PARTITION BY sender, dedup_key, body_sha256 ORDER BY received_at, received_date) AS body_delivery
  FROM raw.event
),
parsed AS (
  SELECT * EXCEPT (strict, repaired), COALESCE(strict, repaired) AS payload FROM received
),
opened AS (
  SELECT
    *,
    -- The sender's test call, and some of its events, have the fields under `data`: both places count alike.
    IF(JSON_TYPE(JSON_QUERY(payload, '$.data')) = 'object', JSON_QUERY(payload, '$.data'), NULL) AS data,
    LOWER(TO_JSON_STRING(payload)) AS lower_text,
    COALESCE(SAFE.PARSE_JSON(LOWER(TO_JSON_STRING(payload)), wide_number_mode => 'round'), payload) AS lowered
  FROM parsed
),
named AS (
  SELECT
    *,
    CASE
      WHEN sender = 'instantly' THEN COALESCE(JSON_VALUE(payload, '$.event_type'), JSON_VALUE(data, '$.event_type'))
      WHEN JSON_VALUE(payload, '$.type') IS NOT NULL THEN JSON_VALUE(payload, '$.type')
      WHEN JSON_VALUE(data, '$.type') IS NOT NULL THEN JSON_VALUE(data, '$.type')
      -- GHL documents InvoicePaid without a type: known by its shape.
      WHEN COALESCE(JSON_VALUE(payload, '$.invoiceNumber'), JSON_VALUE(data, '$.invoiceNumber')) IS NOT NULL
        AND COALESCE(JSON_VALUE(payload, '$.status'), JSON_VALUE(data, '$.status')) = 'paid' THEN 'InvoicePaid'
      -- A step of a GHL workflow posts contact data without a type.
      WHEN COALESCE(JSON_VALUE(payload, '$.contact_id'), JSON_VALUE(data, '$.contact_id')) IS NOT NULL THEN 'Workflow'
    END AS vendor_event,
    -- Every place where a sender may put a contact, whatever the letters' case: its address and its opt-outs are read in each.
    [
      lowered, JSON_QUERY(lowered, '$.webhookpayload'), JSON_QUERY(lowered, '$.contact'), JSON_QUERY(lowered, '$.contactdetails'),
      JSON_QUERY(lowered, '$.contactsnapshot'), JSON_QUERY(lowered, '$.customdata'), JSON_QUERY(lowered, '$.lead'),
      JSON_QUERY(lowered, '$.triggerdata'), JSON_QUERY(lowered, '$.data'), JSON_QUERY(lowered, '$.data.webhookpayload'),
      JSON_QUERY(lowered, '$.data.contact'), JSON_QUERY(lowered, '$.data.contactdetails'),
      JSON_QUERY(lowered, '$.data.contactsnapshot'), JSON_QUERY(lowered, '$.data.customdata'), JSON_QUERY(lowered, '$.data.lead'),
      JSON_QUERY(lowered, '$.data.triggerdata')
    ] AS places
  FROM opened
),
fields AS (
  SELECT
    *,
    COALESCE(JSON_VALUE(payload, '$.status'), JSON_VALUE(data, '$.status')) AS status,
    COALESCE(JSON_VALUE(payload, '$._id'), JSON_VALUE(data, '$._id')) AS paid_id,
    COALESCE(JSON_QUERY(payload, '$.appointment'), JSON_QUERY(data, '$.appointment')) AS appointment,
    COALESCE(JSON_QUERY(payload, '$.webhookPayload'), JSON_QUERY(data, '$.webhookPayload')) AS mail,
    COALESCE(JSON_QUERY_ARRAY(payload, '$.items'), JSON_QUERY_ARRAY(data, '$.items')) AS items,
    LOWER(COALESCE(JSON_VALUE(payload, '$.messageType'), JSON_VALUE(data, '$.messageType'))) AS message_type,
    -- Only what the person wrote first: below it stands what we wrote, with our own link to unsubscribe.
    LOWER(REGEXP_EXTRACT(
      -- A mail may come as HTML: its blocks are lines.
      REGEXP_REPLACE(
        REGEXP_REPLACE(
          REGEXP_REPLACE(COALESCE(
            NULLIF(JSON_VALUE(payload, '$.reply_text_snippet'), ''), NULLIF(JSON_VALUE(data, '$.reply_text_snippet'), ''),
            NULLIF(JSON_VALUE(payload, '$.reply_text'), ''), NULLIF(JSON_VALUE(data, '$.reply_text'), ''),
            JSON_VALUE(payload, '$.reply_html'), JSON_VALUE(data, '$.reply_html'),
            IF(vendor_event = 'InboundMessage', COALESCE(JSON_VALUE(payload, '$.body'), JSON_VALUE(data, '$.body')), NULL)
          ), r'(?is)<(?:head|style|script)\b.*?</(?:head|style|script)>', ''),
          r'(?i)</?(?:html|body|div|p|br|table|tr|td|ul|ol|li|blockquote|h[1-6])\b[^<>]*>', '\n'
        ),
        r'<[^<>]*>|&nbsp;|&#160;', ' '
      ),
      r'^\s*([^\r\n]{0,200})'
    )) AS first_line,
    -- The first address that is one: an empty or odd field hides no other.
    (
      SELECT IF(ARRAY_LENGTH(addresses) = 1, REGEXP_REPLACE(addresses[SAFE_OFFSET(0)], r"^'+|[.]+$", ''), NULL)
      FROM (
        SELECT place, field, REGEXP_EXTRACT_ALL(
          COALESCE(REGEXP_EXTRACT(visible, r'<([^<>]*@[^<>]*)>'), visible),
          r"""[^ <>()\[\],;:"@]+@[^ <>()\[\],;:"'@?/]+"""
        ) AS addresses
        FROM (
          SELECT place, told.field, LOWER(REGEXP_REPLACE(REGEXP_REPLACE(told.written, r'[\p{Z}\p{Cc}]', ' '), r'\p{Cf}', '')) AS visible
          FROM UNNEST(places) AS part WITH OFFSET AS place
          CROSS JOIN UNNEST([
            STRUCT(1 AS field, JSON_VALUE(part, '$.lead_email') AS written),
            STRUCT(2 AS field, JSON_VALUE(part, '$.email') AS written),
            STRUCT(3 AS field, JSON_VALUE(part, '$.recipient') AS written)
          ]) AS told
        )
      )
      WHERE ARRAY_LENGTH(addresses) = 1
      ORDER BY place, field LIMIT 1
    ) AS email,
    IF(sender = 'ghl', COALESCE(
      JSON_VALUE(payload, '$.contactId'), JSON_VALUE(data, '$.contactId'),
      JSON_VALUE(payload, '$.appointment.contactId'), JSON_VALUE(data, '$.appointment.contactId'),
      JSON_VALUE(payload, '$.contactDetails.id'), JSON_VALUE(data, '$.contactDetails.id'),
      JSON_VALUE(payload, '$.contactSnapshot.id'), JSON_VALUE(data, '$.contactSnapshot.id'),
      JSON_VALUE(payload, '$.contact_id'), JSON_VALUE(data, '$.contact_id'),
      JSON_VALUE(payload, '$.contact.id'), JSON_VALUE(data, '$.contact.id'),
      IF(STARTS_WITH(vendor_event, 'Contact'), COALESCE(JSON_VALUE(payload, '$.id'), JSON_VALUE(data, '$.id')), NULL)
    ), NULL) AS destination_id
  FROM named
),
heard AS (
  SELECT
    *,
    COALESCE(REGEXP_CONTAINS(
      first_line,
      r'^\W*(?:(?:please|pls|plz|no|not interested|thanks|thank you)\W+)*(?:stop|stop ?all|unsubscribe|quit|end|revoke|cancel|opt[ -]?out)(?:\W+(?:please|pls|now|me|this|thanks|thank you))*\W*$'
    ), FALSE) AS is_stop_word,
    COALESCE(REGEXP_CONTAINS(
      first_line,
      r"\b(?:unsubscribe|opt (?:me|us) out|opt(?:ing)?[ -]out|remove (?:me|us|(?:my|our) (?:name|office|practice|e-?mail|address|number))|take (?:me|us) off|(?:do not|don(?:.|&\S{1,6};)?t) (?:contact|e-?mail|text|call|message) (?:me|us)|stop (?:contacting|e-?mailing|texting|calling|messaging|sending|writing))\b"
    ), FALSE) AS has_stop_words
  FROM fields
),
-- What a body says in any place where a sender may put a contact, whatever the letters' case.
said AS (
  SELECT
    f.*,
    COALESCE(
      SAFE_CAST(CASE
        WHEN sender = 'instantly' THEN COALESCE(JSON_VALUE(payload, '$.timestamp'), JSON_VALUE(data, '$.timestamp'))
        -- dateAdded of an opportunity's update is when the deal was created: only its creation takes that.
        WHEN vendor_event IN ('ContactCreate', 'OpportunityCreate', 'InboundMessage') THEN
          COALESCE(JSON_VALUE(payload, '$.dateAdded'), JSON_VALUE(data, '$.dateAdded'))
        WHEN vendor_event = 'AppointmentCreate' THEN
          COALESCE(JSON_VALUE(payload, '$.appointment.dateAdded'), JSON_VALUE(data, '$.appointment.dateAdded'))
        WHEN vendor_event = 'OrderCreate' THEN COALESCE(JSON_VALUE(payload, '$.createdAt'), JSON_VALUE(data, '$.createdAt'))
        WHEN vendor_event IN ('OrderStatusUpdate', 'InvoicePaid') THEN
          COALESCE(JSON_VALUE(payload, '$.updatedAt'), JSON_VALUE(data, '$.updatedAt'))
        WHEN vendor_event = 'Workflow' THEN
          COALESCE(JSON_VALUE(payload, '$.customData.occurred_at'), JSON_VALUE(data, '$.customData.occurred_at'))
      END AS TIMESTAMP),
      -- Seconds by the contract; milliseconds were seen, too. A second of twelve digits is far beyond the year 3000.
      SAFE.TIMESTAMP_SECONDS(SAFE_CAST(SAFE_CAST(JSON_VALUE(mail, '$.timestamp') AS FLOAT64) / CASE
        WHEN SAFE_CAST(JSON_VALUE(mail, '$.timestamp') AS FLOAT64) < 1e11 THEN 1
        WHEN SAFE_CAST(JSON_VALUE(mail, '$.timestamp') AS FLOAT64) < 1e14 THEN 1000
      END AS INT64)),
      SAFE_CAST(JSON_VALUE(payload, '$.timestamp') AS TIMESTAMP),
      SAFE_CAST(JSON_VALUE(data, '$.timestamp') AS TIMESTAMP),
      received_at
    ) AS occurred_at,
    (SELECT LOGICAL_AND(JSON_VALUE(item, '$.price.type') = 'one_time') FROM UNNEST(f.items) AS item) AS is_one_time,
    (SELECT LOGICAL_OR(JSON_VALUE(item, '$.price.type') = 'recurring') FROM UNNEST(f.items) AS item) AS is_recurring,
    LOWER(JSON_VALUE(f.mail, '$.event')) AS mail_event,
    LOWER(JSON_VALUE(f.mail, '$.severity')) AS mail_severity,
    LOWER(JSON_VALUE(f.mail, '$.reason')) AS mail_reason,
    JSON_VALUE(f.mail, '$."delivery-status".code') AS mail_code,
    -- In a long line the words may be about something else, or ours: then a person reads it.
    f.is_stop_word OR (f.has_stop_words AND LENGTH(f.first_line) <= 100) AS is_told_to_stop,
    -- GHL writes the channels with a capital in webhooks of the older version and without one in v3.
    ARRAY(
      SELECT DISTINCT told.channel
      FROM UNNEST(f.places) AS part
      CROSS JOIN UNNEST([
        STRUCT('all' AS channel, JSON_VALUE(part, '$.dnd') AS word),
        STRUCT('all' AS channel, JSON_VALUE(part, '$.dndsettings.all.status') AS word),
        STRUCT('all' AS channel, JSON_VALUE(part, '$.do_not_contact') AS word),
        STRUCT('all' AS channel, JSON_VALUE(part, '$.opted_out') AS word),
        STRUCT('email' AS channel, JSON_VALUE(part, '$.dndsettings.email.status') AS word),
        STRUCT('email' AS channel, JSON_VALUE(part, '$.dndsettings.email') AS word),
        STRUCT('email' AS channel, JSON_VALUE(part, '$.unsubscribed') AS word),
        STRUCT('sms' AS channel, JSON_VALUE(part, '$.dndsettings.sms.status') AS word),
        STRUCT('sms' AS channel, JSON_VALUE(part, '$.dndsettings.sms') AS word),
        STRUCT('call' AS channel, JSON_VALUE(part, '$.dndsettings.call.status') AS word),
        STRUCT('call' AS channel, JSON_VALUE(part, '$.dndsettings.call') AS word)
      ]) AS told
      WHERE told.word IN ('true', 'yes', '1', 'on', 'active', 'permanent')
    ) AS closed,
    -- As activation marks its own stop of an address (include/activation/ghl.py): it comes back and says nothing of the person.
    -- We write `active`: where it is permanent by now, the person did that, and our mark is only left.
    COALESCE('stop_of_address' IN (
      IF(JSON_VALUE(f.lowered, '$.dndsettings.email.status') = 'active', JSON_VALUE(f.lowered, '$.dndsettings.email.code'), ''),
      IF(JSON_VALUE(f.lowered, '$.data.dndsettings.email.status') = 'active', JSON_VALUE(f.lowered, '$.data.dndsettings.email.code'), '')
    ), FALSE) AS is_stop_of_address,
    -- Words of an opt-out at a place, or with a value, that nothing above reads.
    COALESCE(
      ARRAY_LENGTH(REGEXP_EXTRACT_ALL(
        f.lower_text,
        r'"(?:dnd|do_?not_?disturb|do_?not_?(?:contact|call|text|e?mail)|(?:\w+_)?unsubscribed?|(?:e?mail|sms|call)?_?opt(?:ed)?_?out|complain(?:ed|t)?)":\s*(?:true|1|"(?:true|yes|1|on|active|permanent)")'
      )) + ARRAY_LENGTH(REGEXP_EXTRACT_ALL(f.lower_text, r'"dndsettings":\s*\{')) > (
        SELECT COUNTIF(told.word IN ('true', 'yes', '1', 'on', 'active', 'permanent')) + COUNTIF(told.is_settings)
        FROM UNNEST(f.places) AS part
        CROSS JOIN UNNEST([
          STRUCT(JSON_VALUE(part, '$.dnd') AS word, FALSE AS is_settings),
          STRUCT(JSON_VALUE(part, '$.do_not_contact') AS word, FALSE AS is_settings),
          STRUCT(JSON_VALUE(part, '$.opted_out') AS word, FALSE AS is_settings),
          STRUCT(JSON_VALUE(part, '$.unsubscribed') AS word, FALSE AS is_settings),
          STRUCT(CAST(NULL AS STRING) AS word, JSON_TYPE(JSON_QUERY(part, '$.dndsettings')) = 'object' AS is_settings)
        ]) AS told
      )
      OR REGEXP_CONTAINS(f.lower_text, r'"dnd":\s*"[^"]')
        AND NOT REGEXP_CONTAINS(f.lower_text, r'"dnd":\s*"(?:true|yes|1|on|active|permanent|false|no|0|off|inactive)"')
      -- A tag that people set: for which channel, only they can say.
      OR REGEXP_CONTAINS(f.lower_text, r'[\[,]\s*"(?:dnd|dnc|do[ _-]?not[ _-]?(?:contact|disturb)|unsubscribed?|opt(?:ed)?[ _-]?out)"\s*[,\]]'),
      FALSE
    ) AS has_unread_stop
  FROM heard AS f
),
typed AS (
  SELECT
    *,
    CASE
      -- Whatever a sender calls it: a type that is named so closes e-mail before anybody has looked at it.
      WHEN sender IN ('instantly', 'ghl')
        AND REGEXP_CONTAINS(LOWER(vendor_event), r'unsubscri|opt[ _-]?(?:ed[ _-]?)?out|do[ _-]?not[ _-]?contact|complain')
        THEN 'email_unsubscribed'
      WHEN sender = 'instantly' THEN CASE
        WHEN vendor_event IN ('email_sent', 'email_opened', 'email_bounced') THEN vendor_event
        -- The vendor's guide says link_clicked, its API says email_link_clicked.
        WHEN vendor_event IN ('link_clicked', 'email_link_clicked') THEN 'email_clicked'
        WHEN vendor_event = 'reply_received' THEN IF(is_told_to_stop, 'email_unsubscribed', 'email_replied')
        WHEN vendor_event = 'auto_reply_received' THEN 'email_auto_replied'
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
        WHEN vendor_event = 'OpportunityStatusUpdate' THEN CASE status
          WHEN 'won' THEN 'deal_won' WHEN 'lost' THEN 'deal_lost' WHEN 'abandoned' THEN 'deal_lost' ELSE 'ignored' END
        WHEN vendor_event = 'AppointmentCreate' THEN
          IF(JSON_VALUE(appointment, '$.appointmentStatus') IN ('cancelled', 'invalid'), 'ignored', 'meeting_booked')
        WHEN vendor_event IN ('AppointmentUpdate', 'AppointmentDelete') THEN 'meeting_status_changed'
        WHEN vendor_event = 'InvoicePaid' THEN 'purchase'
        WHEN vendor_event IN ('OrderCreate', 'OrderStatusUpdate') THEN CASE
          WHEN COALESCE(status, '') != 'completed' THEN 'ignored'
          -- A hint only: GHL pushes no subscription event, so starts and renewals are confirmed by a pull.
          WHEN is_recurring THEN 'subscription_started'
          WHEN is_one_time THEN 'purchase'
          ELSE 'ignored' END
        WHEN vendor_event = 'LCEmailStats' THEN CASE
          WHEN mail_event = 'delivered' THEN 'email_sent'
          WHEN mail_event = 'opened' THEN 'email_opened'
          WHEN mail_event = 'clicked' THEN 'email_clicked'
          -- The mail service refused by itself, because the person had opted out before.
          WHEN mail_event IN ('failed', 'permanent_fail', 'bounced', 'dropped')
            AND mail_reason IN ('suppress-unsubscribe', 'suppress-complaint') THEN 'email_unsubscribed'
          -- Tried again by itself: the address is as good as before.
          WHEN mail_event IN ('temporary_fail', 'deferred') OR mail_event IN ('failed', 'bounced', 'dropped') AND (
            mail_severity = 'temporary' OR mail_severity IS NULL AND REGEXP_CONTAINS(mail_code, r'^4[0-9]{2}$')
          ) THEN 'ignored'
          WHEN mail_event IN ('failed', 'permanent_fail', 'bounced', 'dropped') THEN 'email_bounced'
          WHEN REGEXP_CONTAINS(mail_event, r'unsubscri|complain|spam') THEN 'email_unsubscribed'
          WHEN mail_event IN ('accepted', 'rejected', 'stored') THEN 'ignored'
        END
        WHEN vendor_event = 'InboundMessage' THEN CASE
          WHEN message_type = 'email' THEN IF(is_told_to_stop, 'email_unsubscribed', 'email_replied')
          WHEN message_type = 'sms' THEN IF(is_told_to_stop, 'sms_opted_out', 'sms_replied')
          ELSE 'ignored' END
        WHEN vendor_event IN ('ContactUpdate', 'ContactTagUpdate', 'ContactDelete', 'ContactRead', 'OpportunityUpdate',
          'OpportunityMonetaryValueUpdate', 'OpportunityAssignedToUpdate', 'OpportunityDelete', 'InvoiceCreate',
          'InvoiceUpdate', 'InvoiceDelete', 'InvoiceSent', 'InvoicePartiallyPaid', 'InvoiceVoid', 'OutboundMessage',
          'ProviderOutboundMessage', 'Workflow', 'INSTALL', 'UNINSTALL') THEN 'ignored'
      END
      -- Answers to our own paid questions: whoever asked reads them, they are nothing that happened with a lead.
      -- RB2B's visitors are kept; they come into CLEAN by its export (docs/sources/site-visits.md).
      WHEN sender IN ('wiza', 'apollo', 'clay', 'clay_table', 'rb2b') THEN 'ignored'
    END AS type_meaning
  FROM said
),
meant AS (
  SELECT
    *,
    -- Any message of a destination may carry do-not-disturb, also one that else means nothing to us, or whose type is new.
    IF(
      sender IN ('ghl', 'instantly') AND ARRAY_LENGTH(closed) > 0 AND COALESCE(type_meaning, 'ignored') = 'ignored',
      'consent_changed', type_meaning
    ) AS vendor_meaning
  FROM typed
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
      -- Our own upload comes back as top-level keys of an Instantly event; what we read of a contact names it, too.
      IF(t.sender = 'instantly' OR t.vendor_event = 'ContactRead', REGEXP_EXTRACT(COALESCE(
        JSON_VALUE(t.payload, '$.person_id'), JSON_VALUE(t.data, '$.person_id')
      ), r'^p[0-9a-f]{20}$'), NULL),
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
        CONCAT(IF(t.vendor_event = 'InvoicePaid', 'invoice:', 'order:'), t.paid_id), NULL),
      t.dedup_key
    )))) AS event_id
  FROM meant AS t
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
),
repeated AS (
  SELECT
    *,
    delivery > 1 OR ROW_NUMBER() OVER (
      PARTITION BY event_id, delivery > 1, broken_rule, vendor_meaning = 'ignored' ORDER BY received_at, received_date, dedup_key
    ) > 1 AS is_repeat,
    -- A second announcement of an order, or another body under a known key, may be the only one that says so.
    body_delivery = 1 AND broken_rule IS NULL AND vendor_meaning != 'ignored'
      AND (ARRAY_LENGTH(closed) > 0 OR vendor_meaning IN ('email_unsubscribed', 'sms_opted_out')) AS is_opt_out
  FROM resolved
)
SELECT
  r.* EXCEPT (body, lowered, lower_text, first_line, items, mail, places, event_id),
  IF(r.is_repeat AND r.is_opt_out, TO_HEX(SHA256(CONCAT(r.sender, '|', r.dedup_key, '|', r.body_sha256))), r.event_id) AS event_id,
  COALESCE(REGEXP_CONTAINS(r.lower_text, r'"dnd":'), FALSE) AS has_dnd,
  -- In this statement, so that a partition which is loaded meanwhile is not taken for a loss.
  (SELECT COUNT(*) FROM raw.event) AS raw_rows,
  CASE
    WHEN r.is_repeat AND r.is_opt_out AND r.vendor_meaning NOT IN ('email_unsubscribed', 'sms_opted_out') THEN 'consent_changed'
    WHEN b.event_id IS NOT NULL THEN 'lead_status_changed'
    ELSE r.vendor_meaning
  END AS canonical_type,
  CASE
    WHEN r.is_repeat AND r.is_opt_out THEN 'event'
    WHEN r.is_repeat AND (r.delivery > 1 OR r.broken_rule IS NULL AND r.vendor_meaning != 'ignored') THEN 'duplicate'
    WHEN r.broken_rule IS NOT NULL THEN 'rejected'
    WHEN r.vendor_meaning = 'ignored' THEN 'ignored'
    ELSE 'event'
  END AS outcome,
  r.body_delivery = 1 AND decided.sender IS NULL AND (
    r.has_unread_stop
    OR r.broken_rule IS NOT NULL AND REGEXP_CONTAINS(
      LOWER(r.body),
      r'unsubscri|\bopt(?:ed|ing)?[ _-]?out|\bdnd|do[ _-]?not[ _-]?(?:disturb|contact|call|text|e?mail)|complain|\bstop(?:all)?\b|remove me'
    )
    -- A seller of data says so of a person; whom it means, and for what, only a person can say.
    OR r.vendor_meaning = 'ignored' AND ARRAY_LENGTH(r.closed) > 0
    -- Somebody opted out, and nobody knows who. A contact of the CRM that is not ours is read again before it becomes ours.
    OR r.broken_rule IS NULL AND r.person_id IS NULL AND r.email IS NULL AND r.destination_id IS NULL
      AND (r.vendor_meaning IN ('email_unsubscribed', 'sms_opted_out') OR ARRAY_LENGTH(r.closed) > 0)
    -- What a person wrote, where nothing above closes anything for it.
    OR (r.is_told_to_stop OR r.has_stop_words)
      AND (r.broken_rule IS NOT NULL OR r.vendor_meaning IN ('ignored', 'email_replied', 'sms_replied'))
  ) AS may_hide_opt_out,
  r.body_delivery = 1 AND r.broken_rule IS NOT NULL AND decided.sender IS NULL AS is_unread
FROM repeated AS r
LEFT JOIN booked_twice AS b ON b.event_id = r.event_id
LEFT JOIN (SELECT DISTINCT sender, dedup_key FROM clean.opt_out_decision) AS decided
  ON decided.sender = r.sender AND decided.dedup_key = r.dedup_key;

MERGE clean.event AS t
USING (
  SELECT
    event_id, canonical_type, sender,
    -- Without a type, and with do-not-disturb.
    COALESCE(vendor_event, 'untyped') AS vendor_event, occurred_at, received_date, dedup_key, person_id, destination_id,
    TO_HEX(SHA256(email)) AS email_hash,
    IF(sender = 'instantly', COALESCE(JSON_VALUE(payload, '$.campaign_id'), JSON_VALUE(data, '$.campaign_id')), NULL) AS campaign_id,
    IF(sender = 'instantly', COALESCE(JSON_VALUE(payload, '$.content_block_id'), JSON_VALUE(data, '$.content_block_id')), NULL) AS content_block_id,
    IF(sender = 'instantly', SAFE_CAST(COALESCE(JSON_VALUE(payload, '$.step'), JSON_VALUE(data, '$.step')) AS INT64), NULL) AS step,
    -- The emulator reads a comparison among these arguments only in parentheses.
    JSON_STRIP_NULLS(JSON_OBJECT(
      'audience_id', COALESCE(JSON_VALUE(payload, '$.audience_id'), JSON_VALUE(data, '$.audience_id')),
      'variant', SAFE_CAST(COALESCE(JSON_VALUE(payload, '$.variant'), JSON_VALUE(data, '$.variant')) AS INT64),
      'is_first', (COALESCE(JSON_VALUE(payload, '$.is_first'), JSON_VALUE(data, '$.is_first')) = 'true'),
      'status', COALESCE(status, JSON_VALUE(appointment, '$.appointmentStatus')),
      -- JSON has no infinity: a number that no sale can have is left out.
      'amount', SAFE_CAST(REGEXP_EXTRACT(COALESCE(
        JSON_VALUE(payload, '$.monetaryValue'), JSON_VALUE(data, '$.monetaryValue'), JSON_VALUE(payload, '$.amountPaid'),
        JSON_VALUE(data, '$.amountPaid'), JSON_VALUE(payload, '$.amount'), JSON_VALUE(data, '$.amount')
      ), r'^-?[0-9]{1,12}(?:\.[0-9]*)?$') AS FLOAT64),
      'currency', COALESCE(JSON_VALUE(payload, '$.currency'), JSON_VALUE(data, '$.currency')),
      'object_id', COALESCE(JSON_VALUE(appointment, '$.id'), paid_id,
        IF(STARTS_WITH(vendor_event, 'Opportunity'), COALESCE(JSON_VALUE(payload, '$.id'), JSON_VALUE(data, '$.id')), NULL)),
      'starts_at', JSON_VALUE(appointment, '$.startTime'),
      'dnd', ('all' IN UNNEST(closed) OR IF(has_dnd, FALSE, NULL)),
      'dnd_email', ('email' IN UNNEST(closed) OR NULL),
      'dnd_sms', ('sms' IN UNNEST(closed) OR NULL),
      'dnd_call', ('call' IN UNNEST(closed) OR NULL),
      'of_address', (is_stop_of_address AND NOT 'all' IN UNNEST(closed) OR NULL)
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
    WHEN 'body_unparseable' THEN 'The body is not a JSON object: read the inbox object, then write down what it says in clean.opt_out_decision.'
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

-- Kept until the body can be read or a person has decided (docs/webhooks.md). One statement, because BigQuery cancels one of
-- two transactions that change a table at the same time, and queues two MERGEs.
MERGE ops.alert AS kept
USING (
  SELECT
    received_date AS raised_on, sender AS source, CONCAT(sender, '/', dedup_key) AS subject, 'error' AS severity,
    CONCAT('An opt-out may stand in inbox/', CAST(received_date AS STRING), '/', sender, '/', dedup_key, '.json and was not read',
      IF(broken_rule IS NULL, '', CONCAT(' (', broken_rule, ')')),
      '. Read it, then write who must be left alone, or that nobody must, into clean.opt_out_decision.') AS message
  FROM classified
  WHERE may_hide_opt_out
  UNION ALL
  SELECT
    received_date, sender, broken_rule, 'warning',
    CONCAT(CAST(COUNT(*) AS STRING), ' events of ', sender, ' were not read (', broken_rule,
      '). No word of an opt-out stands in them. See clean.rejected_row; extend the mapping, or decide in clean.opt_out_decision.')
  FROM classified
  WHERE is_unread AND NOT may_hide_opt_out
  GROUP BY received_date, sender, broken_rule
) AS told
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.check_name = 'unread_opt_out' THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (raised_on, source, check_name, subject, severity, message)
  VALUES (told.raised_on, told.source, 'unread_opt_out', told.subject, told.severity, told.message);
