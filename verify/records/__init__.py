"""Records: what several records of the catalogue share, so that each holds only what is its own."""
