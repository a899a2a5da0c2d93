"""Registered models: the log of decisions, the versions on disk, how a candidate becomes one, and answers from it.

May import the floors below.
"""
