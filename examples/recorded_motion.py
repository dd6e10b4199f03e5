"""The clip of an exported policy that follows a recorded motion, played period by period."""

from __future__ import annotations

import math

import mujoco
import numpy as np


class Player:
    """Plays one of the clips that a command's contract has.

    Args:
        name: of the command.
        reads: what its entry in the contract says.
        index: which clip.
    """

    def __init__(self, name: str, reads: dict, index: int) -> None:
        clips = reads["clips"]
        if not 0 <= index < len(clips):
            names = ", ".join(f"{i} is {clip['name']}" for i, clip in enumerate(clips))
            raise SystemExit(f"{name}={index}: there is no such clip; {names}")
        tables = {k: v for k, v in clips[index].items() if k not in ("name", "blend")}
        blend = clips[index].get("blend", {})
        self.last = len(tables["positions"]) - 1
        # frames before the first one, which lead from the last one to it, count back from the end
        self.clip = {k: np.array(v + blend.get(k, [])) for k, v in tables.items()}
        self.blend = len(blend.get("positions", []))
        self.repeats = reads["when_over"] == "repeat"
        self.stands: tuple[np.ndarray, np.ndarray] | None = None
        self.laps = 0

    def frame(self, ticks: int) -> int:
        """The frame in which the robot is to be after so many periods and one more."""
        frame = ticks + 1
        if self.repeats and frame > self.last:
            return (frame - self.last - 1) % (self.last + self.blend) + 1 - self.blend
        return min(frame, self.last)

    def lap(self, ticks: int) -> int:
        """How often the clip has begun again by then."""
        beyond = ticks - self.last if self.repeats else -1
        return 0 if beyond < 0 else beyond // (self.last + self.blend) + 1

    def rates(self, ticks: int) -> np.ndarray:
        """Velocities of the joints then; none where the last frame is held."""
        rests = ticks + 1 > self.last and not self.repeats
        return self.clip["velocities"][self.frame(ticks)] * (not rests)

    def told(self, ticks: int) -> np.ndarray:
        """What the command says: positions and velocities of the joints."""
        return np.concatenate([self.clip["positions"][self.frame(ticks)], self.rates(ticks)])

    def observed(self, kind: str, r: dict, values: list[np.ndarray], ticks: int) -> np.ndarray:
        """What an observation of the motion says.

        Args:
            kind: of the observation.
            r: what its entry in the contract says.
            values: of the sensors that it reads: the anchor's place and quaternion.
            ticks: periods since the start.
        """
        frame = self.frame(ticks)
        if kind == "motion_phase":
            return np.array([max(frame, 0) / self.last])
        if kind == "motion_joints":
            times = [ticks + ahead for ahead in r["ahead_ticks"]]
            if r["what"] == "velocities":
                return np.array([self.rates(time)[r["columns"]] for time in times])
            frames = [self.frame(time) for time in times]
            return self.clip["positions"][frames][:, r["columns"]]
        place, turn = values[0], _matrix(values[1])
        if self.stands is None:
            self.stands = self._where(place, turn)
        while self.laps < self.lap(ticks):
            self.stands, self.laps = self._onwards(*self.stands), self.laps + 1
        about, start = self.stands
        wanted = about @ _matrix(self.clip["anchor_turn"][frame])
        left = turn.T @ (about @ self.clip["anchor_place"][frame] + start - place)
        columns = (turn.T @ wanted)[:, :2].T.ravel()
        return {"position": left, "orientation": columns}.get(
            r["part"], np.concatenate([left, columns])
        )

    def _where(self, place: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How the clip is turned and shifted to begin where the robot stands, facing as it does."""
        apart = turn @ _matrix(self.clip["anchor_turn"][0]).T
        about = _about_vertical(math.atan2(apart[1, 0], apart[0, 0]))
        start = place - about @ self.clip["anchor_place"][0]
        return about, np.array([start[0], start[1], 0.0])

    def _onwards(self, about: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How the clip is turned and shifted that begins where it has ended, facing as it did."""
        places, turns = self.clip["anchor_place"], self.clip["anchor_turn"]
        first = -self.blend  # of a blend it is the last frame, where the clip that follows has it
        ends, begins = (_matrix(turns[frame]) for frame in (self.last, first))
        yaw = math.atan2(ends[1, 0], ends[0, 0]) - math.atan2(begins[1, 0], begins[0, 0])
        again = about @ _about_vertical(yaw)
        off = about @ places[self.last] + start - again @ places[first]
        return again, np.array([off[0], off[1], 0.0])


def _about_vertical(yaw: float) -> np.ndarray:
    cosine, sine = math.cos(yaw), math.sin(yaw)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)
