"""From the tables to an answer in words, with its evidence.

May import the floors below, comparison.statistics and comparison.tables.
"""
