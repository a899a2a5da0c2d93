"""What a person or a scheduler runs around the graph: one module for each command.

May import the floors below.
"""
