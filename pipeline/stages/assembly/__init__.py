"""What stages are put together from: parts that bring rooms together which do not know each other.

May import the floors below.
"""
