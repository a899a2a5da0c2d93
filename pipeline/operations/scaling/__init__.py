"""A run of the graph on several machines: which stage goes where and when, what travels, and what a node does with it.

May import the floors below and operations.planning.
"""
