"""Curves in MLflow while a trial is trained, written by a thread of their own so that training never waits.

May import the floors below, tracking.address, tracking.run_fields and tracking.store.
"""
