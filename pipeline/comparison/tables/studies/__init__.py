"""What the measurements say beyond the ranking: properties, lectures' claims, growth with data, doubtful labels.

May import the floors below, comparison.statistics and comparison.tables.
"""
