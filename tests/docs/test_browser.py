"""The site in a real browser: Debian's chromium, or whatever Chrome there is with its driver.

Every page, at the width of a desk and of a telephone, in light and in dark.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no browser: apt-get install chromium chromium-driver",
)

PROBLEMS = """
const width = document.documentElement.clientWidth;
const found = [];
const said = (element) => `${element.tagName} ${element.textContent.trim().slice(0, 60)}`;
// The theme lets the article, its tables and its code scroll sideways: what scrolls is cut.
for (const box of document.querySelectorAll(
    'html, .bd-article-container, .pst-scrollable-table-container, article pre'))
  if (box.clientWidth && box.scrollWidth > box.clientWidth + 1)
    found.push(`cut, ${box.scrollWidth} in ${box.clientWidth} pixels: ${said(box)}`);
for (const element of document.querySelectorAll('article *, header *')) {
  const box = element.getBoundingClientRect(), style = getComputedStyle(element);
  if (box.width && box.height && (box.right > width + 1 || box.left < -1)
      && style.visibility !== 'hidden' && style.position !== 'fixed'
      && !element.closest('dialog, .visually-hidden, svg, pre'))
    found.push(`wider than the page: ${said(element)}`);
}
// What a command prints was made for 80 columns, which fit a desk.
if (width > 1000)
  for (const block of document.querySelectorAll('.output pre')) {
    const lines = block.textContent.trimEnd().split('\\n');
    const style = getComputedStyle(block);
    const height = block.clientHeight - parseFloat(style.paddingTop) * 2;
    if (Math.max(...lines.map((line) => line.length)) <= 80
        && height > (lines.length + 0.5) * parseFloat(style.lineHeight))
      found.push(`lines of output folded: ${said(block)}`);
  }
if (/\\s\u2013[a-z]{2}/.test(document.querySelector('article')?.textContent))
  found.push('an option with a dash for its two hyphens');
if (/\\*\\*(?!\\d)/.test([...document.querySelectorAll('article :is(p, li, h1, h2, h3)')]
    .filter((p) => !p.querySelector('code')).map((p) => p.textContent).join()))
  found.push('markup that was not understood');
for (const image of document.images)
  if (!image.complete || !image.naturalWidth) found.push(`no picture: ${image.src}`);
const levels = [...document.querySelectorAll('article :is(h1, h2, h3, h4, h5)')]
  .map(heading => +heading.tagName[1]);
if (levels.length && levels.filter(level => level === 1).length !== 1) found.push('not one title');
levels.forEach((level, i) => {
  if (i && level > levels[i - 1] + 1) found.push(`heading ${level} under ${levels[i - 1]}`);
});
if (document.documentElement.scrollHeight > 40000) found.push('an endless page');
return found;
"""


@pytest.fixture(scope="module")
def address(html):
    """Serve the site on this machine, for the search reads its index by a request."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def look(browser, width, dark):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk", "telephone"])
def test_every_page(html: Path, address, browser, width, dark):
    look(browser, width, dark)
    names = [p.relative_to(html).as_posix() for p in html.rglob("*.html")]
    names = sorted(n for n in names if not n.startswith(("_static", "_modules")))
    assert len(names) > 60
    problems = {}
    for name in names:
        browser.get(f"{address}/{name}")
        found = browser.execute_script(PROBLEMS)
        found += [
            entry["message"]
            for entry in browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
            and "theme mode" not in entry["message"]  # the theme says so at a first visit
        ]
        if found:
            problems[name] = found[:4]
    assert problems == {}


@pytest.mark.parametrize(
    ("words", "page"),
    [("soft threshold", "operations/softshrink.html"), ("demo", "commands/demo.html")],
)
def test_search_finds(address, browser, words, page):
    from selenium.webdriver.support.ui import WebDriverWait

    look(browser, 1280, False)
    browser.get(f"{address}/search.html?q={words.replace(' ', '+')}")
    script = "return [...document.querySelectorAll('#search-results li a')].map(a => a.href)"
    finished = (
        "return /(found|did not match)/"
        ".test(document.querySelector('#search-results p')?.textContent)"
    )
    WebDriverWait(browser, 30).until(lambda b: b.execute_script(finished))
    found = browser.execute_script(script)
    assert any(page in link for link in found), found
