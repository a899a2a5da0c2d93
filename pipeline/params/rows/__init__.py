"""The rows of data beside the models (pipeline/models/*.yaml), one module a kind.

May import params.reading and params.vocabulary.
"""
