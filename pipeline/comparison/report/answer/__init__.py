"""The answer's reasons: why it holds, who competed, how they differ and what they cost.

May import the floors below, comparison.statistics, comparison.tables, comparison.verdict, comparison.report.drawing,
comparison.report.material and comparison.report.section.
"""
