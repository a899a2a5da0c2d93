"""What candidates do with single examples: mistakes, doubtful labels, robustness, explanations.

May import the floors below, comparison.statistics, comparison.tables, comparison.verdict, comparison.report.drawing,
comparison.report.material and comparison.report.section.
"""
