"""What trained models answer, and what they have in common computed once.

May import the floors below.
"""
