"""What was measured of every candidate, read from files, and the tables made of it.

May import the floors below, comparison.statistics and comparison.verdict.
"""
