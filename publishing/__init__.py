"""The pages of docs/ that follow from the code, from params.yaml or from kept results.

`python -m publishing` writes them. Nothing that the pipeline does depends on this package.
"""
