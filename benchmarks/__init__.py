"""Speed claims, measured: each script prints what README quotes."""
