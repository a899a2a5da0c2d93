"""Rows and steps that come after the first preparation, read by the study's own columns.

May import the floors below, datasets.request_cells, datasets.cells, datasets.store and datasets.tables.
"""
