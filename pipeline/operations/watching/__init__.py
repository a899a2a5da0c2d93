"""How a champion does without labels: estimated scores, drift of inputs, and when labels are worth asking for.

May import the floors below, operations.predicting and operations.retraining.
"""
