"""A virtual environment for each peer, made once under `build/peers/`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "peers"

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    # mjbatch pins the version of MuJoCo that it is built for
    "mjbatch": ("mjbatch==0.1.4", "numpy>=2", "torch==2.13.0"),
    "brax": ("brax==0.14.2", "playground==0.2.0"),
}
"""Peer -> what its environment is made of."""


class NoPeer(Exception):
    """A peer that cannot run here; the message is one line that says why."""


def made(peer: str, place: Path = PLACE) -> Path:
    """The Python of a peer's environment, which is made where it is not there yet.

    Raises:
        NoPeer: it cannot be made.
    """
    folder = place / "venvs" / peer
    python, done = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(REQUIREMENTS[peer])
    if python.exists() and done.is_file() and done.read_text() == wanted:
        return python
    print(f"making the environment of {peer} in {folder}", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)], f"no environment for {peer}")
    _run([str(python), "-m", "pip", "install", "-q", *REQUIREMENTS[peer]], f"no {peer}")
    done.write_text(wanted)
    return python


def versions(python: Path | str, packages: tuple[str, ...]) -> dict[str, str]:
    """Package -> its version there; "-" where it is not installed."""
    code = (
        "import sys, importlib.metadata as m\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(m.version(name))\n"
        "    except m.PackageNotFoundError: print('-')\n"
    )
    done = subprocess.run(
        [str(python), "-c", code, *packages], capture_output=True, text=True, check=True
    )
    return dict(zip(packages, done.stdout.split(), strict=True))


def _run(command: list[str], wrong: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoPeer(f"{wrong}: {error}") from error
    if done.returncode:
        raise NoPeer(f"{wrong}: {last_line(done.stderr) or last_line(done.stdout)}")


def last_line(text: str) -> str:
    """The last line that says something; an error that pip gives, where there is one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or [""])[-1]
