"""From the tables to an answer in words, with its evidence."""
