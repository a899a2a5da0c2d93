"""Keras networks: pretrained backbones under a new head, and networks from scratch."""
