"""Chromium without a window, driven through its driver; tests are skipped where it is not there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A selenium driver of a fresh browser, which keeps notes of its requests and its console."""
    browser = next((path for name in NAMES if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium, or no driver of it")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (*QUIET, *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    page = webdriver.Chrome(options=options, service=service)
    try:
        yield page
    finally:
        page.quit()


def requests(page: Any) -> list[str]:
    """The addresses that were asked for since the last look."""
    messages = (json.loads(entry["message"])["message"] for entry in page.get_log("performance"))
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [params["request"]["url"] for params in sent]


def complaints(page: Any) -> list[str]:
    """What stood in the console since the last look."""
    return [entry["message"] for entry in page.get_log("browser")]


def show(page: Any, width: int, height: int, scheme: str) -> None:
    """Look at the page as on a screen of a size in CSS pixels, light or dark."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


TEXTS = """
const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const parts = colour => colour.match(/[0-9.]+/g).map(Number);
const light = colour => {
  const [r, g, b] = parts(colour).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const below = e => {
  for (; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (parts(colour).length < 4 || parts(colour)[3] === 1) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const worded = e => Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
const all = Array.from(document.querySelectorAll('body *:not(svg *):not(script):not(style)'));
return all.filter(e => worded(e) && e.getClientRects().length).map(e => {
  const style = getComputedStyle(e);
  const both = [light(style.color), light(below(e))].sort((a, b) => b - a);
  const contrast = (both[0] + 0.05) / (both[1] + 0.05);
  return [contrast, parseFloat(style.fontSize), e.outerHTML.slice(0, 80)];
});
"""
"""Of each text that is shown: its contrast with what is behind it, as WCAG defines it, its size."""
LINES = """
return Array.from(document.querySelectorAll('.chart'), e =>
  e.querySelectorAll('polyline:not(.faint)').length);
"""


def await_element(page: Any, selector: str, seconds: float = 60.0) -> Any:
    """The first element of a selector, once it is there."""
    end = time.monotonic() + seconds
    while not (found := page.find_elements("css selector", selector)):
        assert time.monotonic() < end, f"there is no {selector}"
        time.sleep(0.1)
    return found[0]


def readable(page: Any, address: str, awaited: str = "body") -> None:
    """See that a page is one to read, on a phone and a desk, by day and at night.

    No scrolling sideways, contrasts of 4.5 and more, no small print, at most eight lines a chart,
    nothing in the console, and no request but for the page, or to the server that it is from.

    Args:
        page: the browser.
        address: of the page.
        awaited: selector of what is looked at once it is there.
    """
    papers: set[str] = set()
    requests(page)
    for scheme in ("light", "dark"):
        for width, height in ((390, 844), (1280, 800)):
            show(page, width, height, scheme)
            page.get(address)
            await_element(page, awaited)
            wide = page.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} pixels wide on a screen of {width}"
            texts = page.execute_script(TEXTS)
            assert texts
            for contrast, size, text in texts:
                assert contrast >= 4.5, text
                assert size >= 12, text
            assert max(page.execute_script(LINES), default=0) <= 8
        papers.add(page.find_element("tag name", "body").value_of_css_property("background-color"))
    assert len(papers) == 2
    home = "/".join(address.split("/", 3)[:3]) + "/"
    own = ("data:", "file:" if address.startswith("file:") else home)
    assert [link for link in requests(page) if not link.startswith(own)] == []
    assert complaints(page) == []
