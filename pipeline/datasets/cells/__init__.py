"""Cells of CSV and Parquet files, and what can be made of their text: numbers, dates, words for what is missing.

May import the floors below.
"""
