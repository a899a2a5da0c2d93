"""What `python -m pipeline check` looks at beside the values of params.yaml.

May import params and datasets.
"""
