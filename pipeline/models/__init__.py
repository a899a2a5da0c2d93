"""What competes: classical models, networks, and the rows of data that describe both.

May import the floors below.
"""
