"""What is measured on a trained candidate."""
