"""What trains: candidates, strategies as phases, how networks are trained, and the split of development.

May import params.schema.
"""
