"""The shape of the configuration and the one place of every default.

Times are in the unit that the key's name says; paths may begin with `~`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=10_000_000)]
Count = Annotated[int, Meta(ge=1)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Library(Section, frozen=True):
    """`[library]`: what is mirrored."""

    folders: Annotated[tuple[Path, ...], Meta(min_length=1)]


class Store(Section, frozen=True):
    """`[store]`: where and for how long it is kept."""

    path: Path = Path("~/.local/share/picturerail")
    keep_originals: bool = True
    keep_deleted_days: Annotated[int, Meta(ge=0, le=36_500)] = 30


class Watch(Section, frozen=True):
    """`[watch]`: how changes are noticed.

    `hold_deletions_above` is the share of a folder's pictures that may vanish at once before
    their deletion waits for `accept-deletions`. `cross_mounts` takes in file systems that are
    mounted below a folder. `workers` is how many pictures are read side by side, 0 for one a
    processor, and `memory_mb` bounds what they take together while they are decoded.
    """

    backend: Literal["auto", "inotify", "polling"] = "auto"
    settle_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.5
    polling_seconds: Positive = 30.0
    rescan_minutes: Positive = 60.0
    hold_deletions_above: Share = 0.5
    max_megapixels: Count = 200
    cross_mounts: bool = False
    workers: Annotated[int, Meta(ge=0, le=1024)] = 0
    memory_mb: Annotated[int, Meta(ge=64)] = 1024


class Local(Section, frozen=True):
    """`[describe.local]`: the built-in model."""

    threshold: Share = 0.2
    threads: Annotated[int, Meta(ge=0)] = 0


class Azure(Section, frozen=True):
    """`[describe.azure]`: a service; nothing is sent unless `sources` names it.

    `api` is the generation that the resource speaks. `embeddings` asks for a vector of each
    picture too, and then of what is searched for. `daily_requests` bounds what is sent a day, 0
    does not.
    """

    endpoint: str = ""
    key_file: Path | None = None
    key_environment: str = "PICTURERAIL_AZURE_KEY"
    api: Literal["4.0", "3.2"] = "4.0"
    embeddings: bool = False
    threshold: Share = 0.5
    timeout_seconds: Positive = 30.0
    daily_requests: Annotated[int, Meta(ge=0)] = 0


class OpenAi(Section, frozen=True):
    """`[describe.openai]`: any service that speaks OpenAI's chat completions with pictures.

    A server of one's own needs no key.
    """

    endpoint: str = ""
    model: str = ""
    key_file: Path | None = None
    key_environment: str = "PICTURERAIL_OPENAI_KEY"
    timeout_seconds: Positive = 120.0
    daily_requests: Annotated[int, Meta(ge=0)] = 0


Colour = tuple[float, float, float]


class Onnx(Section, frozen=True):
    """`[describe.onnx]`: the user's own models.

    `model` is a classifier with its `labels`; `scores` says what its numbers are, `mean` and `std`
    what is done to red, green and blue (in 0..1) before. `clip` is a folder with a pair of
    encoders, or the name of a fetched model; `least_similarity` is the cosine from which a picture
    has to do with a text.
    """

    model: Path | None = None
    labels: Path | None = None
    scores: Literal["softmax", "sigmoid", "probabilities"] = "softmax"
    mean: Colour = (0.485, 0.456, 0.406)
    std: Colour = (0.229, 0.224, 0.225)
    threshold: Share = 0.3
    clip: str = ""
    least_similarity: Share = 0.23
    threads: Annotated[int, Meta(ge=0)] = 0


Source = Literal["sidecar", "local", "onnx", "azure", "openai"]


class DescribeRule(Section, frozen=True):
    """`[[describe.rules]]`: who may describe what is in some folders.

    `folders` are globs as in `[[export.rules]]`; later rules go before earlier ones.
    """

    folders: Annotated[tuple[str, ...], Meta(min_length=1)]
    sources: tuple[Source, ...]


class Describe(Section, frozen=True):
    """`[describe]`: who says what is in a picture, in the order of their rank."""

    sources: tuple[Source, ...] = ("sidecar", "local")
    local: Local = Local()
    azure: Azure = Azure()
    openai: OpenAi = OpenAi()
    onnx: Onnx = Onnx()
    rules: tuple[DescribeRule, ...] = ()


class Meaning(Section, frozen=True):
    """`[meaning]`: the word vectors that widen tags."""

    vectors: str = "builtin"
    neighbours: Annotated[int, Meta(ge=0, le=1000)] = 100


SearchLanguage = Literal["english", "german", "none"]


class Search(Section, frozen=True):
    """`[search]`: the language of the texts, and what a match in a field weighs."""

    language: SearchLanguage = "english"
    weights: dict[str, Annotated[float, Meta(ge=0, le=1_000)]] = msgspec.field(default_factory=dict)


Shown = Literal["none", "country", "town", "exact"]
Originals = Literal["none", "stripped", "full"]


class ExportRule(Section, frozen=True):
    """`[[export.rules]]`: what is published otherwise in some folders.

    `folders` are globs over the name of a watched folder and the folders below it, as in
    `Pictures/2019/**/private`; they hold for everything below, too.
    """

    folders: Annotated[tuple[str, ...], Meta(min_length=1)]
    show: bool | None = None
    place: Shown | None = None
    private_keywords: bool | None = None
    originals: Originals | None = None


class ExportAlbum(Section, frozen=True):
    """`[[export.albums]]`: what a folder is called as an album, where no `album.toml` says so.

    `folder` is the name of a watched folder and the folders below it, as in `Pictures/2019/Lisbon`.
    `cover` is a picture of the folder, or below it; `order` which of its pictures comes first;
    `albums` names the folders below it that come first.
    """

    folder: Annotated[str, Meta(min_length=1)]
    title: str = ""
    description: str = ""
    cover: str = ""
    order: Literal["newest", "oldest", "name"] = "newest"
    albums: tuple[str, ...] = ()


class Export(Section, frozen=True):
    """`[export]`: the site.

    `place` is how much is told of where a picture was taken. `private_keywords` are globs of tags
    that are not published. `originals` is what of the pictures' own files may be downloaded:
    nothing, copies without metadata, or all of it. `avif` and `jpeg` add those formats to the
    WebP files; `wide_gamut` keeps colours beyond sRGB where a file has them; `sharp` makes
    a JPEG's colours smaller as carefully as its brightness, in a third to a half more time.
    `theme` is a folder whose files go before the program's own. `precompress` adds compressed twins
    to texts. `similar` is how many similar pictures are shown beside one.
    """

    path: Path = Path("~/picturerail-site")
    title: str = "Pictures"
    base_url: str = ""
    language: str = "en"
    automatic: bool = True
    quiet_seconds: Annotated[float, Meta(ge=0)] = 2.0
    place: Shown = "none"
    private_keywords: tuple[str, ...] = ()
    originals: Originals = "none"
    avif: bool = False
    jpeg: bool = False
    wide_gamut: bool = False
    sharp: bool = False
    theme: Path | None = None
    precompress: tuple[Literal["gz", "zst"], ...] = ()
    similar: Annotated[int, Meta(ge=0, le=24)] = 6
    rules: tuple[ExportRule, ...] = ()
    albums: tuple[ExportAlbum, ...] = ()


class Settings(Section, frozen=True):
    """Everything that can be configured."""

    library: Library
    store: Store = Store()
    watch: Watch = Watch()
    describe: Describe = Describe()
    meaning: Meaning = Meaning()
    search: Search = Search()
    export: Export = Export()
