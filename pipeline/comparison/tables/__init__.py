"""Measurements of the candidates, read from files, and the tables made of them.

May import the floors below and comparison.statistics.
"""
