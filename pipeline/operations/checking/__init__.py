"""What `python -m pipeline check` looks at: the user's own data, and whether a candidate keeps its promises.

May import the floors below and operations.planning.
"""
