"""The ground: paths of the contract, files written whole or not at all, DVC's cache, fingerprints, kept arrays, locks.

May import params, processes and credentials.
"""
