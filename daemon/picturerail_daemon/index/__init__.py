"""Keeps the search index in step with the database, by the change feed alone."""
