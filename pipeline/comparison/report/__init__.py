"""comparison/report.html: one page, made of sections with a template each.

May import the floors below, comparison.statistics, comparison.tables and comparison.verdict.
"""
