"""One page about the health of a stack: reading the cluster, judging what was read, and showing it."""
