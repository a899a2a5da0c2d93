"""How a network is trained: strategies as phases, kept activations, one fit loop.

May import the floors below.
"""
