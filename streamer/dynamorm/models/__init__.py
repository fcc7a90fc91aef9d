"""Models: typed items of a table, one kind or several, and which of its indexes a query reads."""
