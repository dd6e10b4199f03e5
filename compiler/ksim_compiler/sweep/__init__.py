"""Studies: many trainings of one task, which Optuna samples and stores. Nothing here is imported
by a check of a task, and what runs a training is imported when one runs."""
