"""What each destination is told about a person, and what its answers mean."""
