"""The models that the example stack serves, and how they are made."""
