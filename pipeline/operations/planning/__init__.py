"""How long each stage takes on this machine, what it needs, and which stages are due.

May import the floors below.
"""
