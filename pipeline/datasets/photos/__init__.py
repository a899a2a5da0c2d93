"""Photos: found in folders, tables or archives, read on all cores, cleaned, and put into the prepared store.

May import the floors below, datasets.accepted, datasets.cells, datasets.file_kinds, datasets.store, datasets.zip_names
and datasets.sources.
"""
