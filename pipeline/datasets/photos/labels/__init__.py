"""What labels of photos are: classes or numbers, and what there must be of either to learn from.

May import the floors below, datasets.cells and datasets.photos.folders.
"""
