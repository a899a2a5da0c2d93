"""How YAML is read as typed, strict objects, and the words and ranges that sections share.

May import nothing of this project.
"""
