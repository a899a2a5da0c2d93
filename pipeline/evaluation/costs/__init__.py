"""What training and answering cost: seconds, energy, operations, latency, size.

May import the floors below.
"""
