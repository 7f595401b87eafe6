-- On which days each sender was heard. An object of the inbox that the receiver did not write is no sign of life.
-- @first_date DATE, @last_date DATE
SELECT DISTINCT sender, received_date
FROM raw.event
WHERE received_date BETWEEN @first_date AND @last_date AND verified
ORDER BY sender, received_date
