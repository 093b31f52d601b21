"""Widens words: the nearest neighbours of a tag in a set of word vectors."""
