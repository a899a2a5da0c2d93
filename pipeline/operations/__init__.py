"""What a person or a scheduler runs around the graph."""
