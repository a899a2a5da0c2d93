"""The prepared store: what is learned from, what its columns are, and who learns, validates and tests.

May import the floors below.
"""
