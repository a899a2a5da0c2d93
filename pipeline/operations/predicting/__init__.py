"""Asking the champion: about photos, and about rows of a table; operations/predict.py is the command.

May import the floors below.
"""
