-- The audiences. Every one of them also needs a usable e-mail. Names say who it is, never anything about a patient or a
-- condition.
MERGE segmented.audience AS t
USING (
  SELECT * FROM UNNEST([
    STRUCT(
      'general-independent' AS audience_id,
      'General dentists, independent practices' AS name,
      'General dentists in practices of 1 to 4 dentists, ICP score 60 or more, with a valid e-mail' AS rule,
      'email' AS channel,
      'email_outreach' AS experiment,
      0.1 AS holdout_share,
      ['general'] AS specialties,
      ['solo', 'small'] AS practice_size_bands,
      60.0 AS min_icp_score
    ),
    STRUCT(
      'general-group' AS audience_id,
      'General dentists, group practices' AS name,
      'General dentists in practices of 5 or more dentists, ICP score 60 or more, with a valid e-mail' AS rule,
      'email' AS channel,
      'email_outreach' AS experiment,
      0.1 AS holdout_share,
      ['general'] AS specialties,
      ['medium', 'large'] AS practice_size_bands,
      60.0 AS min_icp_score
    ),
    STRUCT(
      'specialists' AS audience_id,
      'Dental specialists' AS name,
      'Orthodontists, pediatric dentists, prosthodontists, periodontists, endodontists and oral surgeons, ICP score 55 or more, with a valid e-mail' AS rule,  -- noqa: LT05
      'email' AS channel,
      'email_outreach' AS experiment,
      0.1 AS holdout_share,
      ['orthodontics', 'pediatric', 'prosthodontics', 'periodontics', 'endodontics', 'oral_surgery'] AS specialties,
      ['solo', 'small', 'medium', 'large'] AS practice_size_bands,
      55.0 AS min_icp_score
    )
  ])
) AS s
ON t.audience_id = s.audience_id
WHEN MATCHED THEN UPDATE SET
  name = s.name,
  rule = s.rule,
  channel = s.channel,
  experiment = s.experiment,
  holdout_share = s.holdout_share,
  specialties = s.specialties,
  practice_size_bands = s.practice_size_bands,
  min_icp_score = s.min_icp_score
WHEN NOT MATCHED BY TARGET THEN INSERT (
  audience_id, name, rule, channel, experiment, holdout_share, specialties, practice_size_bands, min_icp_score
) VALUES (
  s.audience_id, s.name, s.rule, s.channel, s.experiment, s.holdout_share, s.specialties, s.practice_size_bands,
  s.min_icp_score
)
WHEN NOT MATCHED BY SOURCE THEN DELETE;
