"""The attributes of a model: how one is declared, and what the class and an instance make of it."""
