"""params.yaml as a whole: every section, checked with all that it names; stages read sections only.

May import ground.paths, params, scores, floors, datasets, evaluation, models and training.
"""
