"""The page that follows a run: the look of every page, and a script that asks for what is new."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from ksim_schema.drawing.page import page

_HERE = Path(__file__).parent
_BODY = """
<div id="status" class="status" data-kind="starts">
<p><b id="word">is read</b> <span id="text"></span></p>
<div class="bar" id="bar" hidden><div id="share"></div></div>
<p class="note" id="trouble" hidden></p>
</div>
<div id="policy">
<p><button id="start">Show the newest policy</button> <button id="stop" hidden>End it</button>
<a id="open" target="_blank" rel="noopener noreferrer" hidden>Open Studio</a>
<span id="said"></span></p>
<p class="note">It is the newest checkpoint in MuJoCo's Studio, with sliders for the commands and a
bar for each reward term. It opens in a tab of its own, and takes a processor core while it
runs.</p>
</div>
<div id="parts"></div>
"""


@cache
def document() -> bytes:
    """The page."""
    style = (_HERE / "live.css").read_text(encoding="utf-8")
    script = (_HERE / "live.js").read_text(encoding="utf-8")
    body = f"<style>\n{style}</style>{_BODY}<noscript>This page needs its script.</noscript>"
    return page("a run", f"{body}<script>\n{script}</script>").encode()


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its own scripts, and nothing that is elsewhere."""
    scripts = re.findall(r"<script>(.*?)</script>", document().decode(), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {allowed}",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "media-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
