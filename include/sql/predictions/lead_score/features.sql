-- Features of every lead at exactly @as_of, in a fixed order.
-- @as_of TIMESTAMP.
SELECT * FROM features.lead WHERE as_of = @as_of ORDER BY person_id
