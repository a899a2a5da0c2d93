"""What a model sees of an example: columns of tables, features of photos, activations of a frozen backbone.

May import the floors below.
"""
