"""Numbers from predictions: metrics, calibration, robustness, gradients.

May import the floors below and evaluation.answers.
"""
