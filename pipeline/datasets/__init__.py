"""Where examples come from, how they are split, and the prepared store that training and evaluation read.

May import the floors below.
"""
