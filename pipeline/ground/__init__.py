"""The ground: files written whole or not at all, fingerprints, kept arrays, locks between processes.

May import params.
"""
