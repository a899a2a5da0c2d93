"""Even tuning: which settings are tried, what each costs, which are dropped, and one traced network for all of them.

May import training and the floors below.
"""
