"""Intervals, p-values and models of numbers alone: no file is read here.

May import scores and calibration.
"""
