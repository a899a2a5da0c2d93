"""Claims, measured: each script prints what the documentation quotes."""
