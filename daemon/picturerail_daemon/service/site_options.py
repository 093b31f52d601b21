"""From the settings to what the exporter is told: the site's options and its rules."""

from __future__ import annotations

import os

import msgspec

from picturerail_config.settings import Export, Settings
from picturerail_daemon.meaning.words import WordVectors
from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.vocabulary import site_meaning
from picturerail_exporter.album_text import AlbumText
from picturerail_exporter.listings import Folder
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Allowed, Rule, Rules
from picturerail_exporter.site import SiteOptions
from picturerail_exporter.theme import Theme


def site_options(settings: Settings, layout: Layout, words: WordVectors) -> SiteOptions:
    """Return how the site is made, and where."""
    export = settings.export
    return SiteOptions(
        path=export.path,
        renditions=layout.renditions,
        title=export.title,
        base_url=export.base_url,
        language=export.language,
        rules=site_rules(export),
        albums=site_albums(export),
        recipe=site_recipe(export),
        vectors_version=words.version,
        similar=export.similar,
        meaning=site_meaning(settings, layout, words),
        search_language=settings.search.language,
        theme=Theme(export.theme),
        precompress=export.precompress,
        max_pixels=settings.watch.max_megapixels * 1_000_000,
    )


def site_rules(export: Export) -> Rules:
    """Return what may be published."""
    return Rules(
        everywhere=Allowed(place=export.place, originals=export.originals),
        folders=tuple(Rule(**msgspec.structs.asdict(rule)) for rule in export.rules),
        private=export.private_keywords,
    )


def site_albums(export: Export) -> tuple[tuple[Folder, AlbumText], ...]:
    """Return what is said of folders as albums; of two texts of one folder the later holds."""
    return tuple(
        (
            tuple(os.fsencode(part) for part in album.folder.strip("/").split("/")),
            AlbumText(album.title, album.description, album.cover, album.order, album.albums),
        )
        for album in export.albums
    )


def site_recipe(export: Export) -> Recipe:
    """Return what the pictures are rendered as."""
    wanted = {"avif": export.avif, "jpeg": export.jpeg}
    more = tuple(name for name, is_wanted in wanted.items() if is_wanted)
    return Recipe(more=more, wide=export.wide_gamut, sharp=export.sharp)
