"""A live policy as a page in a browser: MuJoCo's Studio, with a panel for the commands.

The page is built in a thread of its own. What is pressed in it travels to the simulation as a
message; what it shows of the simulation it reads from the panel.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from weakref import WeakKeyDictionary

import mujoco
import numpy as np
from jaxtyping import Float
from mujoco.studio import (
    app,
    launch_thread,
    messages,
    plugin,
    sim,  # pyright: ignore[reportAttributeAccessIssue]
    ux,  # pyright: ignore[reportAttributeAccessIssue]
    viewer_protocol,
    web_viewer,
)
from mujoco.studio.dear_imgui import dear_imgui as imgui
from mujoco.studio.web import web_server

from ksim_compiler.plan import Plan
from ksim_compiler.play.commands import Dial
from ksim_compiler.play.ghost import Ghost
from ksim_compiler.play.guard import HOST, OwnSocket, Pass, asks_here
from ksim_compiler.play.live import Live
from ksim_compiler.play.video import follow
from ksim_compiler.play.view import View, ViewerError

AFTER_STUDIO = int(messages.Priority.INTERNAL) - 1
"""Priority of what happens when Studio itself has done its part."""
PLACE = (16, 76)
"""Where the panel is at first, in pixels: below Studio's own buttons."""
FLAGS = (
    int(imgui.WindowFlags.NoTitleBar)
    | int(imgui.WindowFlags.AlwaysAutoResize)
    | int(imgui.WindowFlags.NoSavedSettings)
)
BAR = 280.0
"""Width of a reward term's bar, in pixels."""
ANSWER = 20.0
"""Seconds in which a page answers that is served."""
WIDEN = 1.0
"""Half width of a slider, in SI units, whose element has one value in the task."""


@dataclass(frozen=True)
class Hold(messages.Event):
    """Hold an element of a command at a value."""

    dial: Dial
    value: float


@dataclass(frozen=True)
class Release(messages.Event):
    """Let the task draw its commands."""


@dataclass(frozen=True)
class Begin(messages.Event):
    """Begin a new episode."""


@dataclass(frozen=True)
class ReferenceSnapshot(messages.Snapshot):
    """The pose that a recorded motion has in the state that is sent with it."""

    qpos: Float[np.ndarray, " nq"]


class Panel(plugin.ViewerPlugin):
    """The commands as sliders, the reward terms as bars, and a camera that follows the robot.

    A recorded motion is drawn into the scene as a ghost.

    Args:
        dials: the elements of commands that can be held.
        plan: the task.

    Attributes:
        values: what each element is on its way to.
        held: those that are held.
        text: a line on the episode.
        terms: reward term -> what it gave in the last tick.
    """

    def __init__(self, dials: tuple[Dial, ...], plan: Plan) -> None:
        facts = plan.robot.facts
        self._base = facts.body_id(facts.root)
        self._ghost = Ghost(plan.robot.model, self._base)
        self._studio: app.App | None = None
        self.values: dict[Dial, float] = dict.fromkeys(dials, 0.0)
        self.held: frozenset[Dial] = frozenset()
        self.text = ""
        self.terms: dict[str, float] = {}
        self._largest = 0.0

    @messages.handler
    def _on_studio(self, event: app.InitEvent) -> None:
        self._studio = event.app

    @messages.handler(priority=AFTER_STUDIO)
    def _on_model(self, _: messages.PostModelEvent) -> None:
        if follow(self.viewer.camera, self.viewer.model, self._base) and self._studio is not None:
            self._studio.ux_state.camera_index = ux.TRACKING_CAMERA_IDX

    @messages.handler
    def _on_reference(self, snapshot: ReferenceSnapshot) -> None:
        self.viewer.extra_geoms[:] = self._ghost.geoms(snapshot.qpos)

    @messages.handler
    def _on_gui(self, _: messages.BuildGuiEvent) -> None:
        imgui.SetNextWindowPos(imgui.Vec2(*PLACE), int(imgui.Cond.FirstUseEver))
        imgui.Begin("Policy", None, FLAGS)
        imgui.TextUnformatted(self.text)
        for dial, value in self.values.items():
            low, high = _slider_range(dial)
            moved, new = imgui.SliderFloat(str(dial), value, low, high, "%.2f")
            if moved:
                self.viewer.send_to_sim(Hold(dial, new))
        self._bars()
        if self.held and imgui.Button("Draw the commands"):
            self.viewer.send_to_sim(Release())
        if imgui.Button("New episode"):
            self.viewer.send_to_sim(Begin())
        imgui.End()

    def _bars(self) -> None:
        """A bar for each reward term, as long as its size beside the largest that was seen."""
        terms = self.terms
        self._largest = max((self._largest, *map(abs, terms.values())))
        for name, value in terms.items():
            share = abs(value) / self._largest if self._largest else 0.0
            imgui.ProgressBar(share, imgui.Vec2(BAR, 0.0), f"{name}  {value:+.4f}")


class Page(plugin.SimPlugin):
    """The simulation's side of the page.

    Attributes:
        panel: the viewer's side.
        paused, speed: as the page's buttons have them.
    """

    def __init__(self, live: Live, panel: Panel) -> None:
        self._live, self.panel = live, panel
        self.paused, self.speed = False, 1.0
        self._single = False

    def show(self, model: mujoco.MjModel, data: mujoco.MjData) -> bool:
        """Show a state; False when the page was closed."""
        live = self._live
        if self._single:
            self._single = False
            live.tick()
        self.panel.values = {dial: live.target(dial) for dial in live.dials}
        self.panel.held = frozenset(live.held)
        self.panel.terms = live.terms
        self.panel.text = f"{live.policy.steps:,} steps of training; {live.seconds:.1f} s"
        self.handle.sync(model, data)
        return self.handle.is_running()

    @messages.handler
    def _on_stepped(self, _: messages.PostStepEvent) -> None:  # the state is sent right after it
        told = self._live.reference
        if told is not None:
            self.handle.send_to_viewer(ReferenceSnapshot(told))

    @messages.handler
    def _on_hold(self, event: Hold) -> None:
        self._live.hold(event.dial.command, event.dial.label, event.value)

    @messages.handler
    def _on_release(self, _: Release) -> None:
        self._live.release()

    @messages.handler
    def _on_begin(self, _: Begin) -> None:
        self._live.begin()

    @messages.handler
    def _on_reset(self, _: messages.ResetEvent) -> None:
        self._live.begin()

    @messages.handler
    def _on_step_control(self, event: messages.StepControlSnapshot) -> None:
        self.paused = event.pause_state != sim.PauseState.UNPAUSED
        self.speed = max(event.speed, 1.0) / 100.0

    @messages.handler
    def _on_single_step(self, _: messages.SingleStepEvent) -> None:
        self._single = True


_PASSES: MutableMapping[socket.socket, Pass] = WeakKeyDictionary()
"""Listening socket of a page -> what its visitors have to show."""
_serve = web_server.serve


def _guarded(handler: Any, *, sock: socket.socket, process_request: Any, **options: Any) -> Any:
    """MuJoCo's server, which asks for no token by itself."""
    known = _PASSES.get(sock)

    def process(connection: Any, request: Any) -> Any:
        if known is None:
            return process_request(connection, request)
        plain = "Upgrade" not in request.headers  # a socket also tells MuJoCo what to do
        if not asks_here(request.headers, plain) or not known.shown(request.path, request.headers):
            return connection.respond(HTTPStatus.FORBIDDEN, "There is nothing here.\n")
        answer = process_request(connection, request)
        if answer is not None:
            if "Access-Control-Allow-Origin" in answer.headers:
                del answer.headers["Access-Control-Allow-Origin"]
            answer.headers["Referrer-Policy"] = "no-referrer"
            if known.named(request.path):
                answer.headers["Set-Cookie"] = known.cookie
        return answer

    return _serve(handler, sock=sock, process_request=process, **options)


web_server.serve = _guarded  # type: ignore[assignment]
web_viewer._print_url_banner = lambda host, port: None  # pyright: ignore[reportPrivateUsage]


class _LocalViewer(web_viewer.WebViewer):
    """MuJoCo's page for this machine alone, and who knows its token.

    By itself it serves all machines and users. Its interface comes to it by another port, within
    the process, which takes the last who asks: that is this user.
    """

    @property
    def _host(self) -> str:
        return HOST

    @_host.setter
    def _host(self, host: str) -> None:
        del host

    def _start_server(self) -> None:
        known = Pass(self._http_port)
        _PASSES[self._http_sock] = known
        self._tcp_sock = OwnSocket(fileno=self._tcp_sock.detach())
        super()._start_server()
        if _answer(self._http_port) != HTTPStatus.FORBIDDEN:
            self._stop_server()
            raise RuntimeError("this version of MuJoCo would show it to every user of the machine")
        print(f"MuJoCo's Studio: {known.address}", flush=True)

    def close(self) -> None:
        """End the page; its interface goes at once: later it would take that of another along."""
        super().close()
        self._headless_ui: Any = None


def _answer(port: int) -> int:
    """What the page answers who knows no token, once its server listens."""
    end = time.monotonic() + ANSWER
    while True:
        connection = HTTPConnection(HOST, port, timeout=ANSWER)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        except ConnectionRefusedError:  # its thread has not come to that yet
            if time.monotonic() > end:
                return HTTPStatus.SERVICE_UNAVAILABLE
            time.sleep(0.02)
        except OSError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        finally:
            connection.close()


@contextmanager
def page(live: Live) -> Generator[View]:
    """Serve the page, and print where it is, with the token that it asks for.

    Raises:
        ViewerError: it cannot be served.
    """
    panel = Panel(live.dials, live.plan)
    shown = Page(live, panel)
    config = viewer_protocol.ViewerConfig(title=live.plan.task.name, gfx="web")
    studio = app.App(app.Config(show_options=False, show_inspector=False, show_toolbar=True))

    def serve(endpoint: object) -> None:
        viewer = _LocalViewer(config, endpoint, plugins=[studio, panel])  # type: ignore[arg-type]
        viewer_protocol.run_viewer_loop(viewer)

    try:
        with launch_thread.launch_thread(serve, sim_plugins=[shown]):
            yield shown
    except RuntimeError as error:
        raise ViewerError(f"MuJoCo's page cannot be served: {error}") from error


def _slider_range(dial: Dial) -> tuple[float, float]:
    if dial.low < dial.high:
        return dial.low, dial.high
    return dial.low - WIDEN, dial.high + WIDEN
