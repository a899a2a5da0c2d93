"""The commands of `python -m pipeline`: one row each, the names that they take, and MLproject written from them.

May import champions.log, configuration, params and ground.
"""
