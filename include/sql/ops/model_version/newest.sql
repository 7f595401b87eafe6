-- Versions of @model that were known at @as_of, newest first; of one instant the one that saw more rows comes first.
-- @model STRING, @as_of TIMESTAMP.
SELECT version, status, object_path, recipe_sha256, trained_as_of
FROM ops.model_version
WHERE model = @model AND trained_as_of <= @as_of
ORDER BY trained_as_of DESC, n_train + n_calibrate + n_test DESC, version DESC
