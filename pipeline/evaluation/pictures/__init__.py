"""Pictures and tables of one candidate for people to look at."""
