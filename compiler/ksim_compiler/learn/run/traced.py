"""The programs of a training as they were traced, kept from one command to the next.

JAX's own cache keeps what XLA has compiled, and finds it by the program's text; tracing the task
into that text is Python's work, and takes as long as the imports. Here the text itself is kept
(``jax.export``), and found by all that it is made from: the task with its files, the sources of
this package, the versions of the libraries below, JAX's settings, and what the trainer was built
with. Nothing is kept of a task with Python of its own, of which nobody knows what it reads.

The file is a zip archive with a text in each member; reading it runs nothing.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax
from jax import export

import ksim_schema
from ksim_compiler.engine.host_call import TARGET
from ksim_compiler.learn.run.devices import is_key
from ksim_compiler.learn.run.manifest import versions
from ksim_schema.source.files import write_bytes

MOST = 64 * 2**20
"""Bytes that the files of a folder may take; what was not read for longest goes first."""
_PARTS = ("collect", "learn", "init")
_NAMES = "metrics.json"
_HOST = export.DisabledSafetyCheck.custom_call(TARGET)
"""What this package's programs call is the same in every version of jaxlib that they run on."""


def file_of(folder: Path, *made_from: object) -> Path:
    """Where the programs are kept that are made from these things, told by their ``repr``."""
    here = _sources(), sorted(versions().items()), jax.default_backend(), _settings()
    digest = hashlib.sha256(repr((here, made_from)).encode())
    return folder / f"{digest.hexdigest()}.zip"


def is_ours(thing: object) -> bool:
    """Whether a thing is of this package, whose sources are known."""
    return type(thing).__module__.partition(".")[0] == __name__.partition(".")[0]


@cache
def _sources() -> str:
    """A hash of the packages' own files."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parents[2], *map(Path, ksim_schema.__path__)):
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"{file.relative_to(folder)}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _settings() -> list[tuple[str, str]]:
    """What JAX is set to; where it keeps what it compiles does not matter."""
    values: dict[str, Any] = jax.config.values
    return sorted((n, repr(v)) for n, v in values.items() if "cache" not in n)


class Traced:
    """The programs of a training: ``init``, ``collect`` and ``learn``, each of trees.

    What ``collect`` gives is for ``learn`` alone: a tuple of arrays.

    Args:
        file: where they are kept.
        init, collect, learn: the functions, as of an ``Algorithm``.
        state: gives a whole state, as shapes; asked for when a program is first traced or run.
        options: of ``jax.jit``, by the function's name.
    """

    def __init__(
        self,
        file: Path,
        init: Callable[..., Any],
        collect: Callable[..., Any],
        learn: Callable[..., Any],
        state: Callable[[], Any],
        options: dict[str, Any],
    ) -> None:
        self._file, self._shapes = file, state
        self._collected: Any = None
        self._metrics: list[str] | None = None
        kept = read(file)
        if kept is not None:
            self._metrics = kept[1]
        self.kept = kept is not None

        def learned(params: Any, state: Any, collected: tuple[jax.Array, ...]) -> Any:
            after, metrics = learn(params, state, jax.tree.unflatten(self._collected, collected))
            self._metrics = sorted(metrics)
            return after, [metrics[name] for name in self._metrics]

        def gathered(params: Any, state: Any) -> Any:
            collected = collect(params, state)
            leaves, self._collected = jax.tree.flatten(collected)
            return tuple(leaves)

        def program(name: str, function: Callable[..., Any], gives: Callable[..., Any]) -> Program:
            exported = None if kept is None else kept[0][name]
            return Program(function, gives, exported, options.get(name))

        self.init = program("init", init, self._whole)
        self.collect = program("collect", gathered, tuple)
        self.learn = program("learn", learned, self._after)

    def load(self, begins: bool) -> Iterator[Callable[[], None]]:
        """What compiles each program that was kept, the longest first; no state is traced for it.

        They can run at the same time, also while the next one is asked for.

        Args:
            begins: whether a first state is to be made.
        """
        for program in (self.collect, self.learn, self.init):
            if begins or program is not self.init:
                yield program.load()

    def keep(self) -> None:
        """Write what was traced, unless it was read, or cannot be kept."""
        if self.kept:
            return
        texts = {name: getattr(self, name).text() for name in _PARTS}
        if None in texts.values():
            return
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, text in {**texts, _NAMES: json.dumps(self._metrics).encode()}.items():
                archive.writestr(name, text)
        with suppress(OSError):  # a full disk: traced anew each time
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_bytes(self._file, buffer.getvalue())
            self.kept = True
            _tidy(self._file.parent)

    @functools.cached_property
    def _lies(self) -> tuple[Any, list[bool]]:
        """The structure of a state, and which of its leaves are random keys."""
        leaves, tree = jax.tree.flatten(self._shapes())
        return tree, [is_key(leaf) for leaf in leaves]

    def _whole(self, leaves: list[Any]) -> Any:
        tree, keys = self._lies
        return jax.tree.unflatten(tree, map(_as_key, leaves, keys))

    def _after(self, leaves: list[Any]) -> Any:
        count = self._lies[0].num_leaves
        assert self._metrics is not None
        return self._whole(leaves[:count]), dict(zip(self._metrics, leaves[count:], strict=True))


class Program:
    """A function whose traced text is kept; it is always called with the same shapes.

    Args:
        function: of trees of arrays.
        gives: what it is to give, of the arrays that it gives.
        exported: what was kept; None where it is to be traced.
        options: of XLA, to compile it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        gives: Callable[[list[Any]], Any],
        exported: export.Exported | None,
        options: Any,
    ) -> None:
        self._function, self._gives, self._options = function, gives, options
        self._exported = exported
        self._compiled: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; the first call may trace and compile it."""
        if self._compiled is None:
            self.trace(*arguments)[1]()
        assert self._compiled is not None
        return self._gives(list(self._compiled(*_plain(arguments))))

    def trace(self, *arguments: Any) -> tuple[Any, Callable[[], None]]:
        """What the function gives for these arguments, as shapes; and what compiles it."""
        plain = _plain(arguments)
        if self._exported is None:
            flat = jax.jit(self._flat(arguments))
            try:
                self._exported = export.export(flat, disabled_checks=[_HOST])(*plain)
            except ValueError:  # it calls what need not be there in another process
                traced = flat.trace(*plain)
                return self._traced(traced.lower(), traced.out_info)
        return self._traced(self._lowered(), self._exported.out_avals)

    def load(self) -> Callable[[], None]:
        """What compiles the program that was kept."""
        return self._compiling(self._lowered())

    def _lowered(self) -> Any:
        kept = self._exported
        assert kept is not None
        return jax.jit(kept.call).lower(*(_shape(aval) for aval in kept.in_avals))

    def _traced(self, lowered: Any, gives: Any) -> tuple[Any, Callable[[], None]]:
        return self._gives([_shape(aval) for aval in gives]), self._compiling(lowered)

    def _compiling(self, lowered: Any) -> Callable[[], None]:
        def compile() -> None:
            self._compiled = lowered.compile(self._options)

        return compile

    def text(self) -> bytes | None:
        """What was traced; None where it cannot be kept."""
        if self._exported is None:
            return None
        try:
            return bytes(self._exported.serialize())
        except ValueError:  # it has what this version of JAX writes no text of
            return None

    def _flat(self, arguments: Any) -> Callable[..., list[Any]]:
        leaves, tree = jax.tree.flatten(arguments)
        keys = [is_key(leaf) for leaf in leaves]

        def flat(*plain: Any) -> list[Any]:
            given = jax.tree.unflatten(tree, map(_as_key, plain, keys))
            return _plain(self._function(*given))

        return flat


def _shape(aval: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


def _as_key(leaf: Any, key: bool) -> Any:
    if not key:
        return leaf
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return jax.eval_shape(jax.random.wrap_key_data, leaf)
    return jax.random.wrap_key_data(leaf)


def _plain(tree: Any) -> list[Any]:
    """The leaves of a tree, random keys by their bits."""
    return [_bits(leaf) if is_key(leaf) else leaf for leaf in jax.tree.leaves(tree)]


def _bits(leaf: Any) -> Any:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return jax.eval_shape(jax.random.key_data, leaf)
    return jax.random.key_data(leaf)


def read(file: Path) -> tuple[dict[str, export.Exported], list[str]] | None:
    """The programs that a file keeps, and the names of the metrics; None where it keeps none.

    Whatever has become of the file, the task itself is there to be traced.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names: list[str] = json.loads(archive.read(_NAMES))
            found = {n: export.deserialize(bytearray(archive.read(n))) for n in _PARTS}
        if len(found["learn"].out_avals) != len(found["init"].out_avals) + len(names):
            return None
    except (OSError, EOFError, LookupError, RuntimeError, TypeError, ValueError):
        return None
    except (zipfile.BadZipFile, zlib.error, struct.error):
        return None
    with suppress(OSError):  # a folder that can only be read
        os.utime(file)
    return found, names


def _tidy(folder: Path) -> None:
    def newest_first() -> Iterator[tuple[float, int, Path]]:
        for file in folder.glob("*.zip"):
            with suppress(OSError):  # another process has removed it
                about = file.stat()
                yield -about.st_mtime, about.st_size, file

    taken = 0
    for _, size, file in sorted(newest_first()):
        taken += size
        if taken > MOST:
            file.unlink(missing_ok=True)
