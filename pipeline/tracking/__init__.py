"""MLflow as a view of the files on disk, and never their source: nothing here registers a model or changes a file.

May import the floors below.
"""
