"""What a visitor's browser makes of the gallery: Lighthouse, and scrolling 100,000 pictures.

    python tests/bench/bench_site_browser.py [--pictures 100000] [--no-lighthouse]

Lighthouse (npm, with the machine's Chromium) judges the grid, an album and a picture's page of a
gallery of real photographs, as on a phone. Scrolling goes through a gallery of many small pictures
with the processor slowed to a sixth: wheel, keys and the scrubber, and the slowest of what the
browser itself measures from a press to the next picture on the screen (Event Timing, as for
Interaction to Next Paint); then what the page holds in memory: the heap of its scripts, and the
private memory of its process.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import skimage.data
from bench_site import fill
from export_site import RECIPE
from PIL import Image
from playwright.sync_api import CDPSession, Page, sync_playwright

from picturerail_exporter.pixels import decode
from picturerail_exporter.renditions import placeholder
from picturerail_exporter.serve import make_server
from picturerail_exporter.site import SiteOptions, export
from picturerail_native.database import Database, Mode
from picturerail_native.records import (
    Description,
    ImageRow,
    Metadata,
    Root,
    Table,
    Tag,
    encode_metadata,
    encode_record,
    root_key,
)

LIGHTHOUSE = "lighthouse@12"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
NAMES = ("astronaut", "chelsea", "coffee", "rocket")
SLOWER = 6
SPIN = """() => {
  const before = performance.now();
  let sum = 0;
  for (let at = 0; at < 2e7; at++) { sum = (sum + at) % 1000003; }
  return performance.now() - before + (sum < 0 ? 1 : 0);
}"""
INTERACTIONS = {"pointerdown", "pointerup", "click", "keydown", "keyup"}
FLAGS = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]

WATCH = """
globalThis.interactions = {};  // how long each took to the next paint, in milliseconds
new PerformanceObserver((list) => {
  for (const { interactionId, duration } of list.getEntries()) {
    if (interactionId) {
      interactions[interactionId] = Math.max(duration, interactions[interactionId] ?? 0);
    }
  }
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pictures", type=int, default=100_000, help="how many are scrolled; 0: none"
    )
    parser.add_argument("--no-lighthouse", action="store_true")
    parser.add_argument("--site", type=Path, help="scroll this site instead of making one")
    parser.add_argument("--runs", type=int, default=5, help="of scrolling by the clock")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium on PATH")
    with tempfile.TemporaryDirectory(prefix="bench-browser-") as scratch:
        if not arguments.no_lighthouse:
            lighthouse(Path(scratch), chromium)
        if arguments.pictures == 0:
            return
        site = arguments.site or many(Path(scratch), arguments.pictures)
        scroll(site, *first_of_all(Path(scratch), chromium), arguments.runs)


def lighthouse(scratch: Path, chromium: str) -> None:
    """Let Lighthouse judge three pages."""
    site = scratch / "site"
    photographs(scratch / "store", site)
    pages = {"grid": "", "album": "album/Pictures/2012/", "photo": "photo/7/"}
    print(f"| Lighthouse | {' | '.join(CATEGORIES)} |")
    print("|---|---:|---:|---:|---:|", flush=True)
    with served(site) as origin:
        for name, path in pages.items():
            report = scratch / f"{name}.json"
            flags = " ".join([*FLAGS, "--headless=new"])
            subprocess.run(
                [
                    *("npx", "--yes", LIGHTHOUSE, origin + path, "--quiet", "--output=json"),
                    *(f"--output-path={report}", f"--chrome-flags={flags}"),
                    f"--only-categories={','.join(CATEGORIES)}",
                ],
                env={**os.environ, "CHROME_PATH": chromium},
                check=True,
                stdout=subprocess.DEVNULL,
            )
            told = json.loads(report.read_bytes())
            found = told["categories"]
            scores = (f"{100 * found[category]['score']:.0f}" for category in CATEGORIES)
            print(f"| {name} | {' | '.join(scores)} |", flush=True)
            for category in CATEGORIES:
                for reference in found[category]["auditRefs"]:
                    audit = told["audits"][reference["id"]]
                    if (
                        reference["weight"]
                        and (audit["score"] or 0) < 0.9
                        and audit["score"] is not None
                    ):
                        print(f"  {audit['id']}: {audit.get('displayValue', '')}", file=sys.stderr)


def photographs(store: Path, site: Path) -> None:
    """Export a gallery of 96 photographs over eight years."""
    base = "http://127.0.0.1/"
    with Database(store, Mode.CREATE) as database:
        with database.begin() as transaction:
            transaction.put(Table.ROOTS, root_key(1), encode_record(Root("Pictures", "/photos")))
            for number in range(96):
                image = Image.fromarray(getattr(skimage.data, NAMES[number % 4])()).convert("RGB")
                side = min(image.size) - number
                crop = image.crop((number, number // 2, number + side, number // 2 + side * 2 // 3))
                buffer = io.BytesIO()
                crop.resize((2400, 1600)).save(buffer, "JPEG", quality=88)
                picture = decode(io.BytesIO(buffer.getvalue()), largest=2048)
                tags = (Tag(NAMES[number % 4]),)
                said = Description("1", caption=f"Photograph {number}", tags=tags)
                writer = database.blob_writer()
                writer.write(buffer.getvalue())
                year = 2010 + number // 12
                metadata = Metadata(
                    mime="image/jpeg",
                    width=picture.width,
                    height=picture.height,
                    taken=f"{year}-{number % 12 + 1:02}-05T10:00:00",
                    placeholder=placeholder(picture),
                    descriptions={"sidecar": said},
                )
                row = ImageRow(
                    id=0,
                    filename=b"%d.jpg" % number,
                    metadata_json=encode_metadata(metadata),
                    root=1,
                    path=b"%d/%d.jpg" % (year, number),
                    has_data=True,
                )
                transaction.insert(row, writer)
        with database.snapshot() as snapshot:
            options = SiteOptions(site, store / "renditions", "Ada's pictures", base)
            export(snapshot, options)


def many(scratch: Path, count: int) -> Path:
    """Export a gallery of 3,000 small pictures, whose shards then follow each other many times.

    What a browser reads and holds is what it would of `count` pictures, a year each time.
    """
    store, site = scratch / "many", scratch / "many-site"
    fill(store, 3000)
    with Database(store) as database, database.snapshot() as snapshot:
        export(snapshot, SiteOptions(site, store / "renditions", recipe=RECIPE, similar=0))
    place = site / "page/scroll.json"
    root = json.loads(place.read_bytes())
    shards = []
    for earlier in range(-(-count // 3000)):
        for number, (name, runs) in enumerate(root["shards"]):
            again = f"{earlier}-{number}.json"
            shutil.copy(site / "page" / name, site / "page" / again)
            month = (2019 - earlier) * 100 + 12 - number * 12 // len(root["shards"])
            moved = [(month, pictures, wide) for _, pictures, wide in runs]
            shards.append((again, moved))
    place.write_text(json.dumps({**root, "shards": shards}))
    return site


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a site; gives its address."""
    server = make_server(site, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def first_of_all(scratch: Path, chromium: str) -> tuple[str, bool]:
    """Return a Chromium that the machine's other programs wait for, and whether it is one.

    In real time (SCHED_RR), which only root may ask for: else the clock tells what others do.
    """
    chrt = shutil.which("chrt")
    if os.geteuid() or chrt is None:
        return chromium, False
    program = scratch / "chromium"
    program.write_text(f'#!/bin/sh\nexec {chrt} --rr 20 {chromium} "$@"\n')
    program.chmod(0o755)
    return str(program), True


def scroll(site: Path, chromium: str, first: bool, runs: int) -> None:
    """Scroll through a gallery with a slow processor, and print what it cost.

    Interaction to next paint is what web.dev defines: one of the slowest is left out for every
    fifty. As other programs' work counts into it, the best of some runs counts, and processor time
    is told, too, of the same and of the longest task: without the slowing, which is then reckoned
    in.
    """
    with served(site) as origin, sync_playwright() as playwright:
        clocked: list[tuple[float, float, int, float, float]] = []
        for _ in range(runs):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1366, "height": 860})
            page.add_init_script(WATCH)
            tools = page.context.new_cdp_session(page)
            page.goto("about:blank")
            full_speed = min(page.evaluate(SPIN) for _ in range(3))
            tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            slower = min(page.evaluate(SPIN) for _ in range(3)) / full_speed
            page.goto(origin)
            begin(page)
            through(page)
            took = sorted(page.evaluate("Object.values(interactions)"), reverse=True)
            load = os.getloadavg()[0]
            clocked.append((took[len(took) // 50], took[0], len(took), load, slower))
            print(
                "by the clock: {:.0f} ms, slowest {:.0f}, of {}; load {:.1f}; scripts take {:.1f}"
                " times as long".format(*clocked[-1]),
                flush=True,
            )
            if len(clocked) < runs:
                browser.close()
        tiles = page.locator("main .tile").count()
        heap, resident = memory(tools, browser.new_browser_cdp_session())
        tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        page.goto(origin)
        begin(page)
        browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
        through(page)
        tasks = tasks_of(browser.stop_tracing())
        browser.close()
    print("\n| scrolling, processor slowed to a sixth | |")
    print("|---|---:|")
    best, slowest, count, load, _ = min(clocked)
    ahead = ", for which Chromium does not wait" if first else ""
    of_runs = f"of {count}, best of {runs} runs beside a load of {load:.1f}{ahead}"
    print(f"| interaction to next paint by the clock, {of_runs} | {best:.0f} ms |")
    print(f"| the slowest of them | {slowest:.0f} ms |")
    paints = sorted(to_the_next_paint(tasks), reverse=True)
    longest = max(task.took for task in tasks)
    print(
        f"| the same in the main thread's processor time, {SLOWER} times, of {len(paints)} |"
        f" {SLOWER * paints[len(paints) // 50]:.0f} ms |"
    )
    print(f"| longest task, {SLOWER} times its processor time | {SLOWER * longest:.0f} ms |")
    print(f"| tiles in the page at the end | {tiles} |")
    print(f"| heap of the page's scripts | {heap:.0f} MB |")
    print(f"| private memory of the page's process | {resident:.0f} MB |")


def begin(page: Page) -> None:
    """Give the page a sign of a visitor; wait until all pictures can be scrolled."""
    page.mouse.move(600, 500)
    page.wait_for_selector("html[data-scroll=ready]")


def through(page: Page) -> None:
    """Go through it by wheel, by keys, by the scrubber, and click into it."""
    for _ in range(40):
        page.mouse.wheel(0, 2500)
        page.wait_for_timeout(60)
    years = page.locator(".rail a:not(.close)")
    for at in range(years.count()):
        years.nth(at).click()
        page.wait_for_timeout(400)
        page.keyboard.press("PageDown")
        page.wait_for_timeout(300)
        page.keyboard.press("Tab")
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(300)


@dataclass
class Task:
    """A task of the page's main thread: its processor time in ms, and what was in it."""

    began: float
    ended: float
    took: float
    interacts: bool = False
    paints: bool = False


def tasks_of(trace: bytes) -> list[Task]:
    """Return the tasks of the page's main thread, in order."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    timed = [e for e in events if e["ph"] == "X" and "tdur" in e and (e["pid"], e["tid"]) in main]
    busiest = Counter((e["pid"], e["tid"]) for e in timed).most_common(1)[0][0]
    timed = [e for e in timed if (e["pid"], e["tid"]) == busiest]
    tasks: list[Task] = []
    for event in sorted(timed, key=lambda e: (e["ts"], -e["dur"])):
        if not tasks or event["ts"] >= tasks[-1].ended:  # else it is within one
            end = event["ts"] + event["dur"]
            tasks.append(Task(event["ts"], end, event["tdur"] / 1000))
        kind = event.get("args", {}).get("data", {}).get("type")
        tasks[-1].interacts |= event["name"] == "EventDispatch" and kind in INTERACTIONS
        tasks[-1].paints |= event["name"] == "Layerize"
    return tasks


def to_the_next_paint(tasks: list[Task]) -> Iterator[float]:
    """Yield what the main thread does from each interaction to the next paint, in ms.

    From the task that tells the page of it to the end of the next that hands over what is to be
    painted, in processor time: what a machine that does nothing else would wait for at least.
    """
    for at, task in enumerate(tasks):
        if task.interacts:
            took = 0.0
            for later in tasks[at:]:
                took += later.took
                if later.paints:
                    break
            yield took


def memory(tools: CDPSession, browser: CDPSession) -> tuple[float, float]:
    """Return the scripts' heap and the page's process's own memory, in MB."""
    tools.send("HeapProfiler.collectGarbage")
    heap = tools.send("Runtime.getHeapUsage")["usedSize"]
    processes = browser.send("SystemInfo.getProcessInfo")["processInfo"]
    private = 0
    for process in processes:
        if process["type"] == "renderer":
            told = Path(f"/proc/{process['id']}/smaps_rollup").read_text()
            fields = dict(line.split(":") for line in told.splitlines()[1:])
            own = sum(int(fields[f"Private_{kind}"].split()[0]) for kind in ("Clean", "Dirty"))
            private = max(private, own)
    return heap / 1e6, private / 1000


if __name__ == "__main__":
    main()
