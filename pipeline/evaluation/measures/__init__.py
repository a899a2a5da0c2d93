"""Numbers from answers: scores, calibration, robustness.

May import the floors below and evaluation.answers.
"""
