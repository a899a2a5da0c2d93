"""Registered models: the log of decisions, the bundles that are served, and answers from them.

May import the floors below.
"""
