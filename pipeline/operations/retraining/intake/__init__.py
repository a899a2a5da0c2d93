"""New examples: brought into data/incoming/, looked at, and accepted as batches of data/accepted/.

May import the floors below, operations.retraining.contenders,
operations.retraining.drift and operations.retraining.row_drift.
"""
