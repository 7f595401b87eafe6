-- On which days each sender was heard. An object of the inbox that the receiver did not write is no sign of life.
-- @since DATE, @day DATE
SELECT DISTINCT sender, received_date
FROM raw.event
WHERE received_date BETWEEN @since AND @day AND verified
ORDER BY sender, received_date
