"""What was measured of every candidate, read from files, and the tables made of it."""
