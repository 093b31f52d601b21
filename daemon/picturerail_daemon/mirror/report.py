"""What a look at the folders came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from picturerail_daemon.mirror.plan import Place


@dataclass(slots=True)
class Report:
    """Counts of pictures, and what has to be told or looked at again.

    `failed` holds every standing failure of the places looked at, `held` how many deletions
    wait for the user, by root, `waiting` the places whose files are still being written with the
    seconds after which to look again, `left_out` what is no picture, by kind. `foreign_roots` lie
    on another file system than before.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: dict[int, int] = field(default_factory=dict)
    missing_roots: list[int] = field(default_factory=list)
    foreign_roots: list[int] = field(default_factory=list)
    failed: dict[Place, str] = field(default_factory=dict)
    waiting: dict[Place, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    seq: int = 0

    @property
    def worked(self) -> bool:
        """Whether the database was changed."""
        return bool(self.added or self.changed or self.moved or self.deleted)
