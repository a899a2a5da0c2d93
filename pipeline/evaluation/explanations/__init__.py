"""What answers hang on: maps over photos, and how well these tell it.

May import the floors below and evaluation.measures.
"""
