"""A run of the graph as it goes: started, followed, from another terminal too, and the answer that it has so far.

May import the floors below and operations.planning.
"""
