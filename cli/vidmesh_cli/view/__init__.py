"""How a job looks while it runs."""
