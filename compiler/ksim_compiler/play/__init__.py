"""Looking at a trained policy: one environment at a time, recorded, drawn, replayed."""
