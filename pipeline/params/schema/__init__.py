"""How YAML is read as typed, strict objects: the reader, the words that sections share, the rows of pipeline/models.

May import nothing of this project.
"""
