"""The graph: one module for each stage of dvc.yaml, which tells what the stage does from its inputs to its outputs.

May import the floors below.
"""
