"""What runs on nodes: `node.py` outside of any checkout, the others in a clone of the commit.

May import the floors below.
"""
