"""What a model sees of an example: the columns of a table, and features computed of a photo.

May import the floors below.
"""
