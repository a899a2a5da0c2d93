"""Keras networks: pretrained backbones under a new head, and networks from scratch.

May import the floors below, models.features and models.backbone_files.
"""
