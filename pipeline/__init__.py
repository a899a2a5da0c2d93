"""Kıyas: which model should I train? Measured on the reader's own data.

May import nothing of this project.
"""
