"""Numbers from answers: scores, calibration, robustness."""
