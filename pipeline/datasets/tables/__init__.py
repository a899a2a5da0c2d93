"""Tables and series: read as people have them, and put into the prepared store.

May import the floors below, datasets.cell_text, datasets.columns, datasets.dates, datasets.missing, datasets.numbers,
datasets.prepared, datasets.splits, datasets.sources and datasets.photos.
"""
