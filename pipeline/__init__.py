"""Kıyas: which model should I train? Measured on the reader's own data."""
