"""Sections of params.yaml that change no result of a run: what is kept, tracked, and decided by a scheduled retraining.

May import params.schema, params.training and network.
"""
