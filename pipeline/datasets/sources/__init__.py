"""Named sources: where each is published, which package carries it, and how its files read.

May import params.
"""
