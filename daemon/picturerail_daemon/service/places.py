"""Where things lie inside the store's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths inside a store; the folder is readable by its owner alone."""

    store: Path

    @property
    def database(self) -> Path:
        """The database's folder."""
        return self.store / "database"

    @property
    def index(self) -> Path:
        """The search index's folder."""
        return self.store / "index"

    @property
    def renditions(self) -> Path:
        """Rendered pictures by content hash."""
        return self.store / "renditions"

    @property
    def models(self) -> Path:
        """Model files: converted, fetched, or kept in a form that can be mapped."""
        return self.store / "models"

    @property
    def budgets(self) -> Path:
        """How much each service was asked today."""
        return self.store / "budgets"

    @property
    def socket(self) -> Path:
        """Where a running daemon listens."""
        return self.store / "control.sock"

    def make(self) -> None:
        """Make the folders that are missing."""
        self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.database, self.index, self.renditions, self.models):
            folder.mkdir(mode=0o700, exist_ok=True)
