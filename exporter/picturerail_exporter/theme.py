"""What the site is made of beside pictures: templates, styles, scripts and texts, or a theme's.

A theme is a folder in which any of these is replaced file by file; THEMES.md beside this package
says how. What it does not have is taken from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from picturerail_exporter.site_folder import ExportError

_OWN_STYLE = "theme.css"


@dataclass(frozen=True, slots=True)
class Theme:
    """The files in use; `folder` is a theme's, None for what comes with the program."""

    folder: Path | None = None

    def check(self) -> None:
        """Refuse a folder that is no theme.

        Raises:
            ExportError: naming it, and what is wrong.
        """
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise ExportError(f"{self.folder}: the folder in `export.theme` does not exist")
        known = {"static", "templates", "languages.json"}
        if not any((self.folder / name).exists() for name in known):
            raise ExportError(
                f"{self.folder}: no theme: it has neither of {', '.join(sorted(known))}"
            )
        own = {name for name, _ in _own("templates")}
        for place in _files(self.folder / "templates"):
            if place.name not in own:
                raise ExportError(f"{place}: no template has this name ({', '.join(sorted(own))})")

    @property
    def has_style(self) -> bool:
        """Tell whether a style sheet of the theme's comes after the program's own."""
        return self.folder is not None and (self.folder / "static" / _OWN_STYLE).is_file()

    def templates(self) -> list[str]:
        """Return the names of all templates."""
        return [name for name, _ in _own("templates")]

    def template(self, name: str) -> tuple[str, str]:
        """Return a template's text, and where it lies.

        Raises:
            ExportError: it is no UTF-8.
        """
        if self.folder is not None and (place := self.folder / "templates" / name).is_file():
            try:
                return place.read_text("utf-8"), str(place)
            except UnicodeDecodeError:
                raise ExportError(f"{place}: not UTF-8") from None
        own = resources.files(__package__) / "templates" / name
        return own.read_text("utf-8"), name

    def static_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield style sheets, scripts, icon, and whatever else a theme has, as (path, bytes)."""
        files = dict(_own("static"))
        if self.folder is not None:
            home = self.folder / "static"
            for place in _files(home):
                files[place.relative_to(home).as_posix()] = place.read_bytes()
        for name in sorted(files):
            yield f"static/{name}", files[name]

    def sources(self) -> Iterator[tuple[str, bytes]]:
        """Yield what pages are made of, templates and texts, as (name, bytes)."""
        for name in self.templates():
            yield name, self.template(name)[0].encode()
        yield "languages.json", json.dumps(self.languages(), ensure_ascii=False).encode()

    def languages(self) -> dict[str, dict[str, Any]]:
        """Return every text of the site by language and name.

        Raises:
            ExportError: the theme's texts cannot be used.
        """
        file = resources.files(__package__) / "languages.json"
        texts: dict[str, dict[str, Any]] = json.loads(file.read_text("utf-8"))
        if self.folder is None or not (place := self.folder / "languages.json").is_file():
            return texts
        try:
            told = json.loads(place.read_text("utf-8"))
        except ValueError as error:
            raise ExportError(f"{place}: not valid JSON: {error}") from error
        if not isinstance(told, dict):
            raise ExportError(f"{place}: not texts by language and name")
        for language, said in told.items():
            base = texts.get(language) or texts["en"]
            texts[language] = _over(base, said, f"{place}: `{language}`")
        return texts

    def texts_of(self, language: str) -> dict[str, Any]:
        """Return the texts of a language.

        Raises:
            ExportError: there is none of this name.
        """
        texts = self.languages()
        if language not in texts:
            known = ", ".join(sorted(texts))
            raise ExportError(f"`export.language`: there is no “{language}”; known: {known}")
        return texts[language]


def _own(folder: str) -> Iterator[tuple[str, bytes]]:
    entries = (resources.files(__package__) / folder).iterdir()
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.name.startswith((".", "_")):
            yield entry.name, entry.read_bytes()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a theme's folder and below; links and hidden ones are none."""
    for place in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in place.relative_to(folder).parts)
        if place.is_file() and not place.is_symlink() and not hidden:
            yield place


def _over(base: Mapping[str, Any], said: object, where: str) -> dict[str, Any]:
    """Lay texts over others, of which each has to be of the same kind."""
    if not isinstance(said, dict):
        raise ExportError(f"{where} must hold texts by name")
    result = dict(base)
    for name, text in said.items():
        if name not in base:
            raise ExportError(f"{where}: there is no text “{name}”")
        if isinstance(base[name], dict):
            result[name] = _over(base[name], text, f"{where}.`{name}`")
        elif isinstance(text, str):
            result[name] = text
        else:
            raise ExportError(f"{where}: “{name}” must be a text")
    return result
