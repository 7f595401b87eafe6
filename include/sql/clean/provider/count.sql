-- Everybody whom CLEAN knows, people and organizations: people.
SELECT COUNT(*) AS people
FROM clean.provider
