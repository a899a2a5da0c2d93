"""params.yaml and the rows of data beside the models, as typed, strict objects; what cannot be run is refused here.

May import the floors below.
"""
