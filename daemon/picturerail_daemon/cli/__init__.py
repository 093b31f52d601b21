"""The command line: one file a command, parser and action together."""

from picturerail_daemon.cli.app import main

__all__ = ["main"]
