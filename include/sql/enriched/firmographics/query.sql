-- One row per practice location out of what vendors said about its people's employer. The domain that most of its
-- people are found under is the practice's; answers about another employer (a former one, a namesake's) are left out.
-- Of the rest the vendors in the declared order, then the newest; a field that the leading answer lacks comes from the
-- next.
-- @firmographics_order STRING (vendors, with commas).
MERGE enriched.firmographics AS t
USING (
  WITH answer AS (
    SELECT provider.practice_id, a.*
    FROM enriched.answer AS a
    JOIN clean.provider AS provider ON provider.npi = a.npi
    WHERE a.status = 'responded'
      AND provider.practice_id IS NOT NULL
      AND (a.company_domain IS NOT NULL OR a.company_size IS NOT NULL OR a.company_industry IS NOT NULL)
  ),
  domain AS (
    SELECT practice_id, company_domain, COUNT(DISTINCT npi) AS people
    FROM answer
    GROUP BY practice_id, company_domain
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY practice_id ORDER BY company_domain IS NULL, COUNT(DISTINCT npi) DESC, company_domain
    ) = 1
  )
  SELECT
    answer.practice_id,
    domain.company_domain AS domain,
    FIRST_VALUE(answer.company_name IGNORE NULLS) OVER best AS company_name,
    FIRST_VALUE(answer.company_industry IGNORE NULLS) OVER best AS industry,
    FIRST_VALUE(answer.company_size IGNORE NULLS) OVER best AS employees,
    FIRST_VALUE(answer.company_founded IGNORE NULLS) OVER best AS founded_year,
    FIRST_VALUE(answer.company_revenue IGNORE NULLS) OVER best AS revenue,
    FIRST_VALUE(answer.company_linkedin_url IGNORE NULLS) OVER best AS linkedin_url,
    domain.people AS people_agreeing,
    answer.vendor,
    answer.request_key AS response_key,
    answer.responded_at AS fetched_at
  FROM answer
  JOIN domain ON domain.practice_id = answer.practice_id
    AND domain.company_domain IS NOT DISTINCT FROM answer.company_domain
  WHERE TRUE  -- BigQuery wants a WHERE, GROUP BY or HAVING beside QUALIFY
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY answer.practice_id ORDER BY STRPOS(@firmographics_order, answer.vendor), answer.responded_at DESC,
      answer.request_key
  ) = 1
  WINDOW best AS (
    PARTITION BY answer.practice_id ORDER BY STRPOS(@firmographics_order, answer.vendor), answer.responded_at DESC,
      answer.request_key
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
) AS s
ON t.practice_id = s.practice_id
WHEN MATCHED AND (
  t.domain IS DISTINCT FROM s.domain
  OR t.company_name IS DISTINCT FROM s.company_name
  OR t.industry IS DISTINCT FROM s.industry
  OR t.employees IS DISTINCT FROM s.employees
  OR t.founded_year IS DISTINCT FROM s.founded_year
  OR t.revenue IS DISTINCT FROM s.revenue
  OR t.linkedin_url IS DISTINCT FROM s.linkedin_url
  OR t.people_agreeing != s.people_agreeing
  OR t.response_key != s.response_key
) THEN UPDATE SET
  domain = s.domain, company_name = s.company_name, industry = s.industry, employees = s.employees,
  founded_year = s.founded_year, revenue = s.revenue, linkedin_url = s.linkedin_url,
  people_agreeing = s.people_agreeing,
  vendor = s.vendor, response_key = s.response_key, fetched_at = s.fetched_at
WHEN NOT MATCHED BY TARGET THEN INSERT (
  practice_id, domain, company_name, industry, employees, founded_year, revenue, linkedin_url, people_agreeing, vendor,
  response_key, fetched_at
) VALUES (
  s.practice_id, s.domain, s.company_name, s.industry, s.employees, s.founded_year, s.revenue, s.linkedin_url,
  s.people_agreeing, s.vendor, s.response_key, s.fetched_at
)
WHEN NOT MATCHED BY SOURCE THEN DELETE
