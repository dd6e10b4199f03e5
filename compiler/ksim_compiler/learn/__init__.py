"""Learning: what every learner shares, a room for each algorithm, and the run of a training."""
