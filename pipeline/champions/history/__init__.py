"""champions/history.html: one page of what was registered, decided and why, made from the log and the versions.

May import the floors below, champions.log and champions.versions.
"""
