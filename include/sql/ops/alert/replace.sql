-- The alerts of one check and date. Replaces them, so that a rerun writes the same and a mended one leaves.
-- @alerts is a JSON array of objects: source, subject, severity, message.
BEGIN TRANSACTION;

DELETE FROM ops.alert WHERE raised_on = @raised_on AND check_name = @check_name;

INSERT INTO ops.alert (raised_on, source, check_name, subject, severity, message)
SELECT
  @raised_on,
  JSON_VALUE(item, '$.source'),
  @check_name,
  JSON_VALUE(item, '$.subject'),
  JSON_VALUE(item, '$.severity'),
  JSON_VALUE(item, '$.message')
FROM UNNEST(JSON_QUERY_ARRAY(@alerts)) AS item;

COMMIT TRANSACTION;
