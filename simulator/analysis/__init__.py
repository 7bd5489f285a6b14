"""Numbers from traces and totals."""
