"""How candidates learn: what they overfit, their curves, and what more data would bring.

May import the floors below, comparison.statistics, comparison.tables, comparison.verdict, comparison.report.drawing,
comparison.report.material and comparison.report.section.
"""
