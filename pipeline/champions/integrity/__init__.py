"""That registered models are what was registered: DVC's digests, and signatures.

May import the floors below, champions.history, champions.log and champions.versions.
"""
