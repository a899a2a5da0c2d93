"""Parts that several stages are put together from.

May import the floors below.
"""
