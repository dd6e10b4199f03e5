"""Report: the page, the charts and the plots of a run."""
