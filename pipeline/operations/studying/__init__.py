"""What a study shows that no single comparison can: the same candidates on photos of several sizes.

May import the floors below.
"""
