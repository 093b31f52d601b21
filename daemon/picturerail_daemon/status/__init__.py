"""What the daemon says of itself, in a small file that any process may read."""

from picturerail_daemon.status.publication import DaemonState, WatchReport, publish, read

__all__ = ["DaemonState", "WatchReport", "publish", "read"]
