"""A model as a file for other runtimes: what is exported, how it is written, and whether it answers alike.

May import the floors below.
"""
