"""What work and answers cost: seconds, energy, operations, latency, size.

May import the floors below.
"""
