"""Photos: found in folders, tables or archives, read on all cores, cleaned, and put into the prepared store."""
