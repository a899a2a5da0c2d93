"""What `soup` is put together from: means of weights, and the networks that have them.

May import the floors below and stages.assembly.evaluating.
"""
