"""What `python -m pipeline start` proposes for what it has seen, in the time that there is, and how it writes it.

May import the floors below, operations.checking and operations.planning.
"""
