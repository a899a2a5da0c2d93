"""What the comparison was made from: the data, the code, the machine.

May import the floors below, comparison.statistics, comparison.tables, comparison.verdict, comparison.report.drawing,
comparison.report.material and comparison.report.section.
"""
