"""Tables and series: what their cells are, and how they are put into the prepared store.

May import the floors below, datasets.cells, datasets.columns, datasets.prepared, datasets.splits, datasets.sources and
datasets.photos.
"""
