"""What training keeps of frozen layers and altered photos: made once, for all epochs, seeds and strategies.

May import the floors below.
"""
