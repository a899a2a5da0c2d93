"""The parts of a scheduled retraining; operations/retrain.py tells the story.

May import the floors below.
"""
