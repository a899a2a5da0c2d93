"""comparison/report.html: its page, sections and plots.

May import the floors below, comparison.statistics, comparison.tables and comparison.verdict.
"""
