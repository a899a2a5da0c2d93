"""What `evaluate` is put together from: the trained candidate, the measures of it, its figures.

May import the floors below.
"""
