"""params.yaml and the rows of data beside the models, as typed, strict objects.

Everything that a run can be told stands in params.yaml; a wrong key, type or combination is refused
here, before anything runs, with one line for each fault: file, key, value, remedy.
"""
