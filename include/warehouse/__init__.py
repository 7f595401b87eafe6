"""The one door to BigQuery: every statement of ours is run here, with typed parameters, labels and a cap on bytes."""
