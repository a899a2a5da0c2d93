"""What answers hang on, as maps over photos, and how much these maps tell.

May import the floors below, evaluation.answers and evaluation.measures.
"""
