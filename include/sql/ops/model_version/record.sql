-- Write down one judged version; judged again, it is the same row.
-- @model STRING, @version STRING, @status STRING, @reason STRING, @trained_as_of TIMESTAMP, @recipe_sha256 STRING,
-- @n_train INT64, @n_calibrate INT64, @n_test INT64, @n_positive INT64, @metrics STRING, @base_rate_brier FLOAT64,
-- @champion_version STRING, @champion_brier FLOAT64, @features STRING, @seed INT64, @object_path STRING.
MERGE ops.model_version AS t
USING (
  SELECT
    @model AS model,
    @version AS version,
    @status AS status,
    @reason AS reason,
    @trained_as_of AS trained_as_of,
    @recipe_sha256 AS recipe_sha256,
    @n_train AS n_train,
    @n_calibrate AS n_calibrate,
    @n_test AS n_test,
    @n_positive AS n_positive,
    PARSE_JSON(@metrics) AS metrics,
    @base_rate_brier AS base_rate_brier,
    @champion_version AS champion_version,
    @champion_brier AS champion_brier,
    PARSE_JSON(@features) AS features,
    @seed AS seed,
    @object_path AS object_path
) AS s
ON t.model = s.model AND t.version = s.version
WHEN MATCHED THEN UPDATE SET
  status = s.status,
  reason = s.reason,
  champion_version = s.champion_version,
  champion_brier = s.champion_brier
WHEN NOT MATCHED THEN INSERT (
  model, version, status, reason, trained_as_of, recipe_sha256, n_train, n_calibrate, n_test, n_positive, metrics,
  base_rate_brier, champion_version, champion_brier, features, seed, object_path
) VALUES (
  s.model, s.version, s.status, s.reason, s.trained_as_of, s.recipe_sha256, s.n_train, s.n_calibrate, s.n_test,
  s.n_positive, s.metrics, s.base_rate_brier, s.champion_version, s.champion_brier, s.features, s.seed, s.object_path
)
