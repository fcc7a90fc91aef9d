"""Keys: their templates, and how the keys of tables, indexes and items are filled from attributes."""
