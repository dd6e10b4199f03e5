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
        self.clip = {k: np.array(v) for k, v in clips[index].items() if k != "name"}
        self.last = len(self.clip["positions"]) - 1
        self.repeats = reads["when_over"] == "repeat"
        self.stands: tuple[np.ndarray, np.ndarray] | None = None

    def frame(self, ticks: int) -> int:
        """The frame in which the robot is to be after so many periods and one more."""
        frame = ticks + 1
        if self.repeats and frame > self.last:
            return (frame - 1) % self.last + 1
        return min(frame, self.last)

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
            return np.array([frame / self.last])
        if kind == "motion_joints":
            times = [ticks + ahead for ahead in r["ahead_ticks"]]
            if r["what"] == "velocities":
                return np.array([self.rates(time)[r["columns"]] for time in times])
            frames = [self.frame(time) for time in times]
            return self.clip["positions"][frames][:, r["columns"]]
        place, turn = values[0], _matrix(values[1])
        if self.stands is None:
            self.stands = self._where(place, turn)
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
        yaw = math.atan2(apart[1, 0], apart[0, 0])
        cosine, sine = math.cos(yaw), math.sin(yaw)
        about = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        start = place - about @ self.clip["anchor_place"][0]
        return about, np.array([start[0], start[1], 0.0])


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)
