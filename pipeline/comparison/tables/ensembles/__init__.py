"""Ensembles: candidates made of trained ones by averaging what these answered, and what that brings.

May import `tables`' readers of files, `statistics`, and the floors below.
"""
