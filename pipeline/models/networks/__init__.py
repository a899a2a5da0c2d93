"""Keras networks: pretrained backbones under a new head, and networks from scratch.

May import the floors below and models.features.
"""
