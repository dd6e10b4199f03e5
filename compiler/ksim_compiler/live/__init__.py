"""Live: a page on this machine that follows a run while it is trained."""
