"""How long each stage takes on this machine, what is due, how far a run has come, and the answer so far.

May import datasets, models, training, evaluation, comparison and everything below them, and other operations' rooms.
"""
