"""What the files on disk say that MLflow should show, one description a run; MLflow itself is not imported here.

May import the floors below and tracking.run_fields.
"""
