"""Measured candidates compared, in four rooms: statistics, then tables, then the verdict, then the report.

May import nothing of this project.
"""
