"""The graph: one module for each stage of dvc.yaml."""
