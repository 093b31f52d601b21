"""Reads the configuration: TOML in, frozen and validated settings out.

The shape and every default stand in `settings`; finding, reading and checking a file in
`load`. Nothing here imports another part of the project.
"""

from picturerail_config.load import ConfigError, Loaded, find_config, load
from picturerail_config.settings import Settings

__all__ = ["ConfigError", "Loaded", "Settings", "find_config", "load"]
