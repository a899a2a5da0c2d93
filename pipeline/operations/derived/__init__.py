"""What follows from the code and stands in files that people read; `python -m pipeline graph --write` writes it.

May import params.
"""
