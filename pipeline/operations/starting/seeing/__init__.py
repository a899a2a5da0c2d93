"""What lies at a path that a person names: photos, a table or a series, as `prepare` will find it.

May import the floors below, operations.checking and operations.planning.sizes.
"""
