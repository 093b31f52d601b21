"""Keeps the search index in step with the database, by the change feed alone."""

from picturerail_daemon.index.follower import IndexFollower

__all__ = ["IndexFollower"]
