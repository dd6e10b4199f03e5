"""Python functions that a compiled program calls by name, on the CPU.

JAX's own callbacks are addresses of this process, so a program that has one cannot be stored in
JAX's compilation cache: a start of a minute would be paid at each start. Here the program names a
target that every process registers alike, and the identity of what it calls. The target is a C
function in XLA's foreign function interface, made with ctypes.

Nothing is copied: a function is given NumPy views of XLA's own memory, and writes its results in
place. It runs under Python's lock, on one of XLA's threads.

Source: the layout of the structures, XLA's ``xla/ffi/api/c_api.h`` (version 0.1 to 0.3), which
jaxlib carries as ``jaxlib/include/xla/ffi/api/c_api.h``.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import math
import queue
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import POINTER, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from typing import Any, Protocol, TypeVar, runtime_checkable

import jax
import numpy as np

TARGET = "ksim_host"
"""The name of the target in compiled programs."""

MAJOR, MINOR = 0, 1
"""The version of the interface that is used: what it has had since its first version."""


@runtime_checkable
class Host(Protocol):
    """An object that compiled programs call.

    Attributes:
        called: what they call. A function is given the memory of the results, to be written, and
            the memory of each operand, to be read, or None for one that was left out.
    """

    @property
    def called(self) -> Sequence[Callable[..., None]]: ...


H = TypeVar("H", bound=Host)


class Several:
    """Hosts that compute the same, for calls at the same time: each takes one that is free.

    Args:
        hosts: the hosts. What they compute depends on the arguments of a call alone.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._free: queue.SimpleQueue[Host] = queue.SimpleQueue()
        for host in hosts:
            self._free.put(host)
        places = range(len(hosts[0].called))
        self._called = tuple(functools.partial(self._call, place) for place in places)

    @property
    def called(self) -> Sequence[Callable[..., None]]:
        """As :attr:`Host.called`."""
        return self._called

    def _call(self, place: int, *arguments: Any) -> None:
        host = self._free.get()
        try:
            host.called[place](*arguments)
        finally:
            self._free.put(host)


class _Extension(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("type", c_int32), ("next", c_void_p)]


class _Version(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("major", c_int32),
        ("minor", c_int32),
    ]


class _Metadata(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("version", _Version), ("traits", c_uint32)]


class _MetadataExtension(ctypes.Structure):
    _fields_ = [("base", _Extension), ("metadata", POINTER(_Metadata))]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("dtype", c_int32),
        ("data", c_void_p),
        ("rank", c_int64),
        ("dims", POINTER(c_int64)),
    ]


class _Buffers(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("size", c_int64),
        ("types", POINTER(c_int32)),
        ("buffers", POINTER(POINTER(_Buffer))),
    ]


class _Scalar(ctypes.Structure):
    _fields_ = [("dtype", c_int32), ("value", POINTER(c_int64))]


class _Attributes(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("size", c_int64),
        ("types", POINTER(c_int32)),
        ("names", c_void_p),
        ("scalars", POINTER(POINTER(_Scalar))),
    ]


class _ErrorArguments(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("message", c_char_p),
        ("code", c_int32),
    ]


class _Api(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", c_void_p),
        ("version", _Version),
        ("internal", c_void_p),
        ("error", ctypes.CFUNCTYPE(c_void_p, POINTER(_ErrorArguments))),
    ]


class _Frame(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("extension_start", POINTER(_Extension)),
        ("api", POINTER(_Api)),
        ("context", c_void_p),
        ("stage", c_int32),
        ("operands", _Buffers),
        ("results", _Buffers),
        ("attributes", _Attributes),
    ]


_LEFT_OUT = np.zeros(0, np.float32)
_METADATA, _INTERNAL = 1, 13
_DTYPES = {1: bool, 4: np.int32, 8: np.uint32, 11: np.float32}
"""XLA's number of a type: what the programs of this package hand over."""

_hosts: weakref.WeakValueDictionary[int, Host] = weakref.WeakValueDictionary()
_recent: collections.OrderedDict[int, Host] = collections.OrderedDict()
_LOCK = threading.RLock()
RECENT = 4
"""Objects that live on though nothing else holds them."""


def shared(identity: int, make: Callable[[], H]) -> H:
    """The object of an identity that compiled programs call.

    A program names the identity, so it is the same program in each process, and whatever it calls
    is what it was compiled for: an object computes the same as every other of its identity. An
    object lives as long as something holds it, and the last few that were made or called live on:
    JAX runs a program after its caller has gone on, and may have dropped what it came from.

    Args:
        identity: what the object's functions compute, as a number below 2^63.
        make: makes the object, where there is none yet.
    """
    _target()
    with _LOCK:
        host = _called(identity)
        if host is None:
            host = _hosts[identity] = make()
            _keep(identity, host)
    return host  # type: ignore[return-value]


def _keep(identity: int, host: Host) -> None:
    _recent[identity] = host
    _recent.move_to_end(identity)
    while len(_recent) > RECENT:
        _recent.popitem(last=False)


def _called(identity: int) -> Host | None:
    with _LOCK:
        host = _hosts.get(identity)
        if host is not None:
            _keep(identity, host)
    return host


def call(
    identity: int,
    function: int,
    results: Sequence[jax.ShapeDtypeStruct],
    operands: Sequence[jax.Array | None],
    aliases: Mapping[int, int] | None = None,
) -> list[jax.Array]:
    """Call a function of an object in a compiled program.

    Args:
        identity: of the object, as in :func:`shared`.
        function: the place of the function in ``Host.called``.
        results: shapes and types of the results.
        operands: arrays of bool, int32, uint32 or float32; None for one that is left out.
        aliases: operands whose memory a result takes over, by their places.
    """
    target = jax.ffi.ffi_call(TARGET, list(results), input_output_aliases=dict(aliases or {}))
    arrays = [_LEFT_OUT if operand is None else operand for operand in operands]
    return list(target(*arrays, function=np.int64(function), host=np.int64(identity)))


@functools.cache
def _array_type(size: int) -> Any:
    return c_char * size


def _views(buffers: _Buffers) -> list[np.ndarray]:
    pointers = buffers.buffers
    return [_view(pointers[i].contents) for i in range(buffers.size)]


def _view(buffer: _Buffer) -> np.ndarray:
    shape = tuple(buffer.dims[: buffer.rank])
    dtype = np.dtype(_DTYPES[buffer.dtype])
    size = dtype.itemsize * math.prod(shape)
    if not size:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, _array_type(size).from_address(buffer.data))


def _handle(frame: Any) -> int | None:
    frame = frame.contents
    try:
        if frame.extension_start and frame.extension_start.contents.type == _METADATA:
            extension = ctypes.cast(frame.extension_start, POINTER(_MetadataExtension))
            metadata = extension.contents.metadata.contents
            metadata.version = _Version(ctypes.sizeof(_Version), None, MAJOR, MINOR)
            metadata.traits = 0
            return None
        if frame.struct_size < ctypes.sizeof(_Frame):
            return _failed(frame, "this version of jaxlib calls functions in another way")
        scalars = frame.attributes.scalars  # sorted by name
        function, identity = (scalars[i].contents.value[0] for i in range(2))
        host = _called(identity)
        if host is None:
            return _failed(frame, "the engine of this program is gone")
        operands = (None if array.shape == (0,) else array for array in _views(frame.operands))
        host.called[function](_views(frame.results), *operands)
    except BaseException as error:
        return _failed(frame, f"{type(error).__name__}: {error}")
    return None


def _failed(frame: Any, message: str) -> int | None:
    arguments = _ErrorArguments(ctypes.sizeof(_ErrorArguments), None, message.encode(), _INTERNAL)
    return frame.api.contents.error(ctypes.byref(arguments))


@functools.cache
def _target() -> Any:
    """Register the target, once a process; what has to live as long."""
    handler = ctypes.CFUNCTYPE(c_void_p, POINTER(_Frame))(_handle)
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(handler), platform="cpu")
    return handler
