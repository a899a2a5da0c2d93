"""Sections of params.yaml that change no result of a run: what is kept, tracked, decided by a scheduled retraining, and
asked of a cluster.

May import params.schema, params.training and trained_blocks.
"""
