"""MLflow as a view of the files on disk, and never their source.

May import the floors below.
"""
