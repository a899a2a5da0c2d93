"""Which kind of model, features and technique does well, and the claims that are made of them.

May import the floors below, comparison.statistics, comparison.tables, comparison.verdict, comparison.report.drawing,
comparison.report.material and comparison.report.section.
"""
