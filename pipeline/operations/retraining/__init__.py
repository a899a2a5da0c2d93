"""The parts of a scheduled retraining; operations/retrain.py tells the story."""
