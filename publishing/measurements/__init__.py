"""Pages that tell what the programs of benchmarks/ measured, from what these left in benchmarks/results/."""
