"""Tables and series: read as people have them, and put into the prepared store."""
