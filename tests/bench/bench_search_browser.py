"""The search in the browser: what its index costs to make and to read, beside its peers.

    make bench-browser [ARGS="--pictures 1000 10000 100000 --peers --sentences"]

Pictures have a filename, a caption of 10 to 30 words out of 20,000 that are as frequent as words
are (Zipf, exponent 1.05), and one of four cameras; in sentences 40 % of the words are such as say
little, as "the". Each index is read in Chromium from a plain
local server that compresses texts; bytes and requests are the server's, scripts included. Peers
are Pagefind and MiniSearch, from npm.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import json
import math
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser_queries import SEED, documents, queries, several, visits
from playwright.sync_api import sync_playwright

from picturerail_exporter.assets import SEARCH_SCRIPT, SENT_ALONE, static_files
from picturerail_exporter.collection import Photo
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.search_file import ROOT
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.search_told import BLOCKS
from picturerail_exporter.state import SiteState, open_state
from picturerail_exporter.theme import Theme
from picturerail_native.records import Exposure
from picturerail_native.search import Reader, analyse

CHANGES = 12
IMPORT = """
self.importScripts = (name) => {
  const request = new XMLHttpRequest();
  request.open("GET", "/" + name, false);
  request.send();
  (0, eval)(request.responseText);
};
"""
"""What a worker has and a page has not: a script that is there once this returns."""

MOST = {100_000: (150_000, 10), 1_000_000: (250_000, math.inf)}
"""The bytes and requests that a first query is to take at most, by how many pictures there are."""
PEERS = {"pagefind": "1.5.2", "minisearch": "7.2.0"}

OURS = """
const load = async (name) => {
  const answer = await fetch("/index/search/" + name);
  return new Uint8Array(await answer.arrayBuffer());
};
globalThis.begin = async () => { globalThis.index = await Picturerail.Postings.open(load); };
globalThis.ask = async (text) => {
  const start = performance.now();
  const found = await Picturerail.search(index, text, { limit: 20 });
  const middle = performance.now();
  const unknown = found.hits.filter(({ look }) => !look).map(({ id }) => id);
  await index.looks(unknown);
  const shown = performance.now();
  await Picturerail.search(index, text, { limit: 20 });
  const again = performance.now() - shown;
  const scores = found.hits.map(({ score }) => score);
  return { total: found.total, first: middle - start, shown: shown - start, again, scores };
};
"""
PAGEFIND = """
globalThis.begin = async () => {
  globalThis.pf = await import("/pagefind/pagefind.js");
  await pf.init();
};
globalThis.ask = async (text) => {
  const start = performance.now();
  const found = await pf.search(text);
  const middle = performance.now();
  await Promise.all(found.results.slice(0, 20).map((each) => each.data()));
  const shown = performance.now();
  await pf.search(text);
  const again = performance.now() - shown;
  return { total: found.results.length, first: middle - start, shown: shown - start, again };
};
"""
MINISEARCH = """
const options = { fields: ["title", "caption", "camera"], storeFields: ["title"] };
globalThis.begin = async () => {
  globalThis.mini = MiniSearch.loadJSON(await (await fetch("/mini.json")).text(), options);
};
globalThis.ask = async (text) => {
  const start = performance.now();
  const found = mini.search(text, { prefix: true, fuzzy: 0.2, combineWith: "AND" });
  const end = performance.now() - start;
  return { total: found.length, first: end, shown: end, again: end };
};
"""


def main() -> None:
    """Measure every size, ours and peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--peers", action="store_true", help="Pagefind and MiniSearch, too (npm)")
    parser.add_argument("--sentences", action="store_true", help="captions with words as `the`")
    parser.add_argument("--build", nargs=2, metavar=("COUNT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build(int(options.build[0]), Path(options.build[1]), sentences=options.sentences)
        return
    print(f"seed {SEED}")
    for count in options.pictures:
        with tempfile.TemporaryDirectory() as folder:
            measure(count, Path(folder), peers=options.peers, sentences=options.sentences)


def colour(number: int) -> str:
    """Return some mean colour, as the daemon notes it for each picture."""
    rng = random.Random(number)
    grey = rng.gauss(110, 40)  # the means of photographs differ more in light than in hue
    parts = (min(255, max(0, round(grey + rng.gauss(0, 20)))) for _ in range(3))
    return "#" + "".join(f"{part:02x}" for part in parts)


def taken(number: int) -> int:
    """Return when a picture was taken, in seconds since 1970: some minutes after another."""
    return 1_100_000_000 + 600 * number + random.Random(number).randrange(600)


def photo(number: int, of: tuple[str, str, str]) -> Photo:
    """Return a picture that looks like nothing, with what is said of it."""
    filename, caption, camera = of
    return Photo(
        id=number + 1,
        content_hash=hashlib.sha256(filename.encode()).digest(),
        filename=filename,
        path=filename,
        folder=(b"Pictures",),
        width=4000,
        height=(2250, 3000, 5333)[number % 3],
        order=taken(number),
        taken=None,
        caption=caption,
        tags=(),
        camera=camera,
        lens="",
        exposure=Exposure(),
        placeholder="",
        colour=colour(number),
        fields=(("filename", filename), ("caption", caption), ("camera", camera)),
    )


def build(count: int, folder: Path, *, sentences: bool) -> None:
    """Make our index, and print what it cost; in a process of its own."""
    with open_state(folder / "site.sqlite") as state:
        for number, of_one in enumerate(documents(count, sentences=sentences)):
            state.put(photo(number, of_one))
        state.commit()
        start = time.process_time()
        index = SearchIndex(state, folder / "engine", bytes(16), Recipe())
        brought = index.rebuild(lambda _: ())
        state.commit()
        full = time.process_time() - start
        (folder / "search").mkdir()
        for path, data in {**brought.written, ROOT: brought.root}.items():
            (folder / path).write_bytes(data)
        told = {"cpu": full, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        of = documents(count, sentences=sentences)
        rng = random.Random(SEED)
        changed = []
        for which in rng.sample(range(count), CHANGES):
            filename, _, camera = of[which]
            after = photo(which, (filename, rng.choice(of)[1], camera))
            changed.append(change(photo(which, of[which]), after, state, index, folder))
    print(json.dumps({**told, "changed": changed}))


def change(
    before: Photo, after: Photo, state: SiteState, index: SearchIndex, folder: Path
) -> dict[str, float]:
    """Bring what is said of a picture up to date; return what that takes, and what is made anew."""
    state.put(after)
    start = time.process_time()
    changed = index.update({before.id: (before, after)}, (), lambda _: ())
    state.commit()
    update = time.process_time() - start
    for path in changed.gone:
        (folder / path).unlink()
    for path, data in {**changed.written, ROOT: changed.root}.items():
        (folder / path).write_bytes(data)
    single = {name for kind in BLOCKS for _, name in state.search.files(kind)}
    values = {value for each in (before, after) for _, value in each.fields}
    return {
        "cpu": update,
        "words": len(changed.written.keys() - single),
        "pictures": len(changed.written.keys() & single),
        "terms": len({token.term for value in values for token in analyse(value)}),
    }


class Site(ThreadingHTTPServer):
    """Serves folders and counts what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.folders: dict[str, Path] = {}
        self.requests = self.bytes = 0


class Handler(BaseHTTPRequestHandler):
    """Answers with files as a static host does, compressing texts."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        site = self.server
        assert isinstance(site, Site)
        path = self.path.partition("?")[0]
        data = site.files.get(path)
        for prefix, folder in site.folders.items():
            if data is None and path.startswith(prefix):
                place = folder / path[len(prefix) :]
                data = place.read_bytes() if place.is_file() else None
        self.send_response(200 if data is not None else 404)
        data = data or b""
        kinds = {
            ".js": "text/javascript; charset=utf-8",
            ".json": "application/json",
            ".html": "text/html",
        }
        suffix = ".html" if path == "/" else Path(path).suffix
        self.send_header("Content-Type", kinds.get(suffix, "application/octet-stream"))
        if suffix in kinds:
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if path != "/":
            site.requests += 1
            site.bytes += len(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure(count: int, folder: Path, *, peers: bool, sentences: bool) -> None:
    """Print one size's tables."""
    of = documents(count, sentences=sentences)
    asked = queries(of)
    ours = folder / "ours"
    ours.mkdir()
    done = subprocess.run(
        [sys.executable, __file__, "--build", str(count), str(ours)] + ["--sentences"] * sentences,
        capture_output=True,
        text=True,
        check=True,
    )
    made = json.loads(done.stdout)
    sizes = [path.stat().st_size for path in (ours / "search").iterdir()]
    print(f"\n{count:,} pictures{', captions in sentences' * sentences}")
    row = "{:12} {:>8} {:>8} {:>8} {:>8} {:>9}"
    print(row.format("index", "CPU s", "MB RSS", "files", "MB", "most kB"))
    print(
        row.format(
            "ours",
            f"{made['cpu']:.1f}",
            f"{made['rss']:.0f}",
            len(sizes),
            f"{sum(sizes) / 1e6:.1f}",
            f"{max(sizes) / 1e3:.0f}",
        )
    )
    sides = {"ours": OURS}
    site = Site()
    site.folders["/index/"] = ours
    heads = {"ours": f'<script>{IMPORT}</script><script src="/search.js"></script>'}
    static = dict(static_files(Theme(), Recipe()))
    for script in (SEARCH_SCRIPT, *SENT_ALONE):
        site.files[script.removeprefix("static")] = static[script]
    script = len(gzip.compress(site.files["/search.js"], 6))
    print(f"ours, the script that searches: {script / 1e3:.1f} kB of each cold query")
    if peers:
        sides |= {"pagefind": PAGEFIND, "minisearch": MINISEARCH}
        npm = installed()
        made_by = pagefind(of, folder, npm)
        size = [
            path.stat().st_size
            for path in (folder / "html" / "pagefind").rglob("*")
            if path.is_file()
        ]
        print(
            row.format(
                "pagefind",
                f"{made_by[0]:.1f}",
                f"{made_by[1]:.0f}",
                len(size),
                f"{sum(size) / 1e6:.1f}",
                f"{max(size) / 1e3:.0f}",
            )
        )
        site.folders["/pagefind/"] = folder / "html" / "pagefind"
        site.files["/mini.json"], seconds = minisearch(of, npm)
        zipped = len(gzip.compress(site.files["/mini.json"], 6))
        print(
            row.format(
                "minisearch", f"{seconds:.1f}", "", 1, f"{zipped / 1e6:.1f}", f"{zipped / 1e3:.0f}"
            )
        )
        site.files["/minisearch.js"] = (
            npm / "node_modules/minisearch/dist/umd/index.js"
        ).read_bytes()
        heads |= {"pagefind": "", "minisearch": '<script src="/minisearch.js"></script>'}
    changed = made["changed"]

    def mean(what: str) -> float:
        return sum(one[what] for one in changed) / len(changed)

    print(
        f"ours, one caption changed, on average of {len(changed)}: {mean('cpu'):.2f} CPU s, "
        f"{mean('words'):.1f} files of words for {mean('terms'):.1f} words (at most "
        f"{max(one['words'] / one['terms'] for one in changed):.2f} a word, "
        f"{sum(one['words'] > one['terms'] for one in changed)} times above one), and "
        f"{mean('pictures'):.1f} of single pictures"
    )
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        with Reader(ours / "engine") as engine:
            limits = (most for size, most in MOST.items() if len(of) <= size)
            limit = next(limits, max(MOST.values()))
            visit(site, engine, sides, heads, asked, several(of), visits(of), limit)
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


def visit(
    site: Site,
    engine: Reader,
    sides: dict[str, str],
    heads: dict[str, str],
    asked: dict[str, str],
    some_cold: dict[str, list[str]],
    later_visits: dict[str, list[str]],
    limit: tuple[float, float],
) -> None:
    """Ask each side each query, with an empty cache and as a later one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    row = "{:11} {:11} {:>8} {:>10} {:>9} {:>10} {:>9} {:>9} {:>9}"
    print(
        row.format(
            "query", "", "found", "cold kB", "requests", "later kB", "ms", "again ms", "4x ms"
        )
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--js-flags=--expose-gc", *flags]
        )
        for side, script in sides.items():
            site.files["/"] = f'<!doctype html><link rel=icon href="data:,">{heads[side]}'.encode()
            later: dict[str, int] = {}
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{site.server_port}/")
            page.evaluate(script + "0")
            page.evaluate("begin()")
            for kind, text in asked.items():
                before = site.bytes
                page.evaluate("ask", text)
                later[kind] = site.bytes - before
            heap = page.evaluate("(gc(), performance.memory.usedJSHeapSize)") / 1e6
            page.close()

            def cold(
                text: str, slow: int, script: str = script
            ) -> tuple[dict[str, float], int, int]:
                context = browser.new_context()
                page = context.new_page()
                site.bytes = site.requests = 0
                page.goto(f"http://127.0.0.1:{site.server_port}/")
                client = context.new_cdp_session(page)
                client.send("Emulation.setCPUThrottlingRate", {"rate": slow})
                page.evaluate(script + "0")
                page.evaluate("begin()")
                answer = page.evaluate("ask", text)
                context.close()
                return answer, site.bytes, site.requests

            for kind, text in asked.items():
                (first, size, requests), (slowed, *_) = cold(text, 1), cold(text, 4)
                times = [first["shown"], first["again"], slowed["again"]]
                kilobytes = [size / 1e3, later[kind] / 1e3]
                cells = [f"{kilobytes[0]:.0f}", requests, f"{kilobytes[1]:.0f}"]
                cells += [f"{value:.0f}" for value in times]
                print(row.format(kind, side, first["total"], *cells))
            others = []
            for kind, texts in some_cold.items() if side == "ours" else ():
                costs = []
                for text in texts:
                    answer, *cost = cold(text, 1)
                    costs.append(cost)
                    best = [hit.score for hit in engine.search(text, limit=20).hits]
                    if answer["scores"] != pytest.approx(best, rel=1e-5):
                        others.append(text)
                size, requests = (sum(cost) / len(costs) for cost in zip(*costs, strict=True))
                most, many = (max(cost) for cost in zip(*costs, strict=True))
                above = sum(took > limit[0] or times > limit[1] for took, times in costs)
                print(
                    f"{side}: {kind}, cold: {size / 1e3:.0f} kB, {requests:.1f} requests on "
                    f"average; at most {most / 1e3:.0f} kB, {many}; {above} of {len(costs)} above "
                    f"{limit[0] / 1e3:.0f} kB{f' or {limit[1]}' * (limit[1] < math.inf)}"
                )
            if side == "ours":
                count = sum(map(len, some_cold.values()))
                print(
                    f"{side}: of {count} queries {len(others)} score unlike the engine's", *others
                )
            for kind, visit in later_visits.items():
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{site.server_port}/")
                page.evaluate(script + "0")
                page.evaluate("begin()")
                page.evaluate("ask", visit[0])
                site.bytes = site.requests = 0
                for text in visit[1:]:
                    page.evaluate("ask", text)
                page.close()
                count = len(visit) - 1
                each = f"{site.bytes / 1e3 / count:.0f} kB, {site.requests / count:.1f} requests"
                print(f"{side}: {count} later queries, {kind}: {each} each on average")
            print(f"{side}: heap after all {heap:.0f} MB")
        browser.close()


def installed() -> Path:
    """Return a folder with the peers."""
    folder = Path("build/bench-npm").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in PEERS.items()]
    subprocess.run(["npm", "install", "--silent", "--no-save", *wanted], cwd=folder, check=True)
    return folder


def pagefind(of: list[tuple[str, str, str]], folder: Path, npm: Path) -> tuple[float, float]:
    """Make Pagefind's index of a page for each picture; return CPU seconds and MB resident."""
    for number, (name, caption, camera) in enumerate(of):
        place = folder / "html" / "p" / str(number // 1000)
        place.mkdir(parents=True, exist_ok=True)
        place.joinpath(f"{number}.html").write_text(
            f'<!doctype html><html lang="en"><head><title>{name}</title></head><body>'
            f"<main data-pagefind-body><h1>{name}</h1>"
            f'<p data-pagefind-filter="camera">{camera}</p><p>{html.escape(caption)}</p>'
            "</main></body></html>"
        )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["npx", "pagefind", "--silent", "--site", str(folder / "html")]
    subprocess.run(command, cwd=npm, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss / 1024


def minisearch(of: list[tuple[str, str, str]], npm: Path) -> tuple[bytes, float]:
    """Make MiniSearch's index; return it as JSON, and the CPU seconds."""
    script = (
        'const M=require("minisearch");const d=JSON.parse(require("fs").readFileSync(0,"utf8"));'
        'const m=new M({fields:["title","caption","camera"],storeFields:["title"]});'
        "const c=process.cpuUsage();m.addAll(d);const t=process.cpuUsage(c);"
        "process.stdout.write(JSON.stringify([(t.user+t.system)/1e6,JSON.stringify(m)]));"
    )
    rows = [
        {"id": number, "title": name, "caption": caption, "camera": camera}
        for number, (name, caption, camera) in enumerate(of)
    ]
    done = subprocess.run(
        ["node", "--max-old-space-size=4096", "-e", script],
        input=json.dumps(rows).encode(),
        cwd=npm,
        capture_output=True,
        check=True,
    )
    seconds, index = json.loads(done.stdout)
    return index.encode(), seconds


if __name__ == "__main__":
    main()
