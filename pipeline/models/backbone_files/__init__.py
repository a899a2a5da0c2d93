"""Backbones of one's own: what a Keras file may hold, and layers and weights taken out of it without running its code.

May import the floors below.
"""
