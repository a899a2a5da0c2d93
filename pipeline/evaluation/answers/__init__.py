"""What trained models predict; what the models of several seeds have in common is computed once.

May import the floors below.
"""
