"""How long each stage of the graph takes on this machine, what it needs, what is due, and how far a run has come.

May import what operations may; `check`, `plan`, `repro` and `status` read from here.
"""
