"""What `python -m pipeline start` proposes for what it has seen, in the time that there is, and how it writes it.

May import the floors below, operations.checking, operations.following.running and operations.planning.
"""
