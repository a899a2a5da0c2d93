"""Ensembles: candidates made of trained ones by averaging what these answered, and what that brings.

May import the floors below, comparison.statistics and comparison.tables.
"""
