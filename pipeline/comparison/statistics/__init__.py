"""Intervals, p-values and models of numbers alone; reads no files."""
