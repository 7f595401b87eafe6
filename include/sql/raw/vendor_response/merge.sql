-- Bring raw.vendor_response to what the ledger says. raw.vendor_response_load holds the entries that are new here;
-- a call that was outcome unknown may have been answered since, an answer never changes.
-- @first_date, @last_date: the requested days of the load and of the rows with an unknown outcome, so that only their
-- partitions are
-- read. A call that was withdrawn and claimed again later moves to its new day.
-- @first_date DATE, @last_date DATE.
MERGE raw.vendor_response AS t
USING raw.vendor_response_load AS s
ON t.requested_date BETWEEN @first_date AND @last_date
  AND t.vendor = s.vendor
  AND t.operation = s.operation
  AND t.request_key = s.request_key
WHEN MATCHED AND t.status = 'outcome_unknown' THEN UPDATE SET
  status = s.status,
  http_status = s.http_status,
  vendor_ref = s.vendor_ref,
  request = PARSE_JSON(s.request),
  body = PARSE_JSON(s.body),
  credits = s.credits,
  cost_usd = s.cost_usd,
  requested_at = s.requested_at,
  responded_at = s.responded_at,
  requested_date = s.requested_date,
  call_key = s.call_key,
  run_id = s.run_id,
  segment = s.segment,
  found = PARSE_JSON(s.found)
WHEN NOT MATCHED THEN INSERT
  (vendor, operation, request_key, person_key, status, http_status, vendor_ref, request, body, credits, cost_usd,
   requested_at, responded_at, requested_date, call_key, run_id, segment, found)
VALUES
  (s.vendor, s.operation, s.request_key, s.person_key, s.status, s.http_status, s.vendor_ref,
   PARSE_JSON(s.request), PARSE_JSON(s.body),
   s.credits, s.cost_usd, s.requested_at, s.responded_at, s.requested_date, s.call_key, s.run_id, s.segment,
     PARSE_JSON(s.found))
