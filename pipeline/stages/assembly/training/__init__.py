"""What stages that train are put together from: settings of trials, and the loop over their seeds.

May import the floors below.
"""
