"""From measurements to an answer: statistics, then tables, then the verdict, then the report.

May import nothing of this project.
"""
