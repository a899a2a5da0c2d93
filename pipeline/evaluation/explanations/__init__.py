"""What answers hang on: maps over photos, and how well these tell it."""
