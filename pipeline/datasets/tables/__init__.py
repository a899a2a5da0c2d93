"""Tables and series: what their cells are, and how they are put into the prepared store.

May import the floors below, datasets.accepted, datasets.cells, datasets.store, datasets.sources and datasets.photos.
"""
