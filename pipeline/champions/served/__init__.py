"""What of a candidate is served: which models, with which shares, and all that it takes to answer with them.

May import champions and the floors below.
"""
