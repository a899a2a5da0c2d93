"""Intervals, p-values and models of numbers alone: no file is read here.

May import params, scores, floors and calibration.
"""
