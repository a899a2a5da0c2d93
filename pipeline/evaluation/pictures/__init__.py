"""Pictures and tables of one candidate for people to look at.

May import the floors below, evaluation.answers, evaluation.measures and evaluation.explanations.
"""
