"""A task's own components run, are parameters of the program, travel, and are run when trusted."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.cli import compile as ksim_compile, diff as ksim_diff, run as ksim_run
from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import TaskError

TASKS = Path(__file__).parents[2] / "tasks"

TERMS = '''from ksim_schema.custom import (
    AngularSpeed, BodyName, Command, Event, JointPattern, Length, Observation, Probability, Reset,
    Reward, Speed, Termination, Time, jax, jnp, position_of,
)


class TipHeight(Reward):
    """1 when a body is at ``height``, falling to 0 a metre away."""

    body: BodyName = "pole"
    height: Length = "50 cm"

    def sensors(self, robot):
        return (position_of(self.body),)

    def value(self, x):
        off = jnp.abs(x.sensor(position_of(self.body))[2] - self.height)
        return jnp.clip(1.0 - off, 0.0, 1.0)


class Smoothed(Observation):
    """A low pass of joint velocities."""

    joints: JointPattern = (".*",)
    time: Time = "100 ms"
    unit = "rad/s"

    def shape(self, robot):
        return (len(robot.match_joints(self.joints)),)

    def initial(self, x):
        return x.joint_velocities(x.robot.match_joints(self.joints))

    def value(self, x, memory):
        now = x.joint_velocities(x.robot.match_joints(self.joints))
        memory = memory + x.period / self.time * (now - memory)
        return memory, memory


class TooLate(Termination):
    """The episode has lasted too long."""

    after: Time
    timeout = True

    def value(self, x):
        return x.time >= self.after - x.period / 2


class Spin(Reset):
    """The last joint turns."""

    rate: AngularSpeed

    def value(self, x):
        return x.world["qpos"], x.world["qvel"].at[-1].set(self.rate)


class Kick(Event):
    """The cart is pushed."""

    speed: Speed

    def value(self, x):
        return jnp.zeros(x.robot.nv).at[0].set(self.speed)


class Coin(Command):
    """Heads with a probability."""

    heads: Probability = 0.5
    elements = ("heads",)

    def value(self, x):
        return jax.random.bernoulli(x.key, self.heads, (1,)).astype(jnp.float32)
'''

PARTS = {
    "task: cartpole": "task: own\ncomponents: [terms/mine.py]",
    "Observation:\n": """Command:
  coin: {kind: coin, heads: 1.0, resample: [1 s, 1 s]}
Event:
  kick: {kind: kick, speed: 0.1 m/s, every: [100 ms, 100 ms]}
Observation:
  slow: {kind: smoothed, joints: pole, time: 200 ms, noise: {uniform: 1 deg/s}}
""",
    "    read: [cart,": "    obey: coin\n    read: [slow, cart,",
    "clean: [cart,": "clean: [slow, cart,",
    "  alive: {": "  high: {kind: tip_height, height: 40 cm, scale: 0.5}\n  alive: {",
    "{kind: episode_length, after: 10 s}": "{kind: too_late, after: 400 ms}",
    "{kind: joint_velocity, joints: pole, range: 5 deg/s}": "{kind: spin, rate: 9 deg/s}",
    "range: [-12 deg, 12 deg]": "range: [-60 deg, 60 deg]",
    "envs: 128": "envs: 16",
    "rollout: 32": "rollout: 4",
}


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A cartpole with a component of each object, in a folder of its own."""
    text = (TASKS / "cartpole.yaml").read_text()
    for old, new in PARTS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    shutil.copytree(TASKS / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "mine.py").write_text(TERMS)
    (tmp_path / "own.yaml").write_text(text)
    return tmp_path / "own.yaml"


def compiled(path: Path, *settings: str) -> Compiled:
    result = compile_file(path, settings)
    assert result.plan is not None, result.diagnostics
    return result


def change(task: Path, old: str, new: str) -> None:
    path = task.parent / "terms" / "mine.py"
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))


def test_components_of_every_object_run_and_their_numbers_are_parameters(task: Path) -> None:
    plan = compiled(task).plan
    assert plan is not None
    env = Env(plan, "native", envs=2, threads=1)
    compilations = 0

    @jax.jit
    def run(params: Any) -> Any:
        nonlocal compilations
        compilations += 1
        first = env.init(params, jax.random.key(0))

        def tick(state: Any, _: Any) -> Any:
            state, out = env.step(params, state, jnp.zeros((2, 1)))
            height = state.world["sensordata"][:, 2]
            return state, (out, height, state.world["qvel"], state.policy_input)

        return first, jax.lax.scan(tick, first, None, 50)[1]

    first, (out, height, speeds, inputs) = run(env.params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(out))
    np.testing.assert_allclose(first.world["qvel"], [[0, np.radians(9)]] * 2, rtol=1e-5)
    wanted = 0.5 * np.clip(1 - np.abs(height - 0.4), 0, 1)
    running = ~np.asarray(out.timeout | out.failure)  # where reset, the world is the new episode's
    np.testing.assert_allclose(out.reward_terms["high"][running], wanted[running], rtol=1e-5)
    pushed = np.abs(np.diff(speeds[:, 0, 0], prepend=0.0)) > 0.05
    assert pushed[:19].sum() == 3  # after each 100 ms of 400 ms, and the episode ends at the last
    assert (np.asarray(out.timeout).sum(0) > 0).all()
    assert np.flatnonzero(out.timeout[:, 0])[0] == 19
    assert (np.asarray(inputs)[..., -1] == 1.0).all()  # the command

    slow = plan.policy_input[0]
    assert slow.source.name == "slow"
    k = plan.period / 0.2
    low = np.radians(9)
    for t in range(10):
        low = low + k * (float(speeds[t, 0, 1]) - low)
    noise = np.radians(1.0) + 1e-5
    assert abs(float(inputs[9, 0, slow.start]) - low) <= noise

    settings = ("Reward.high.height=60 cm", "Command.coin.heads=0", "Reset.speed.rate=0 deg/s")
    changed = compiled(task, *settings).plan
    assert changed is not None
    params = Env(changed, "native", envs=2, threads=1).params
    first, (out, height, _, inputs) = run(params)
    assert compilations == 1
    wanted = 0.5 * np.clip(1 - np.abs(height - 0.6), 0, 1)
    running = ~np.asarray(out.timeout | out.failure)
    np.testing.assert_allclose(out.reward_terms["high"][running], wanted[running], rtol=1e-5)
    assert (np.asarray(inputs)[..., -1] == 0.0).all()
    assert (np.asarray(first.world["qvel"]) == 0.0).all()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("off = jnp.abs(x.sensor(", "off = jnp.abz(x.sensor(", 17, "has no attribute 'abz'"),
        ("off = jnp.abs(", "off = x.world['xpos'] + (", 17, "KeyError: 'xpos'"),
        ("        off =", "        if self.height > 1: pass\n        off =", 17, "TracerBool"),
        ("return jnp.clip(1.0 - off, 0.0, 1.0)", "return jnp.ones(2)", 16, "the shape (2), and a"),
        ("return jnp.clip(1.0 - off, 0.0, 1.0)", "return 'high'", 16, "gives what is not a value"),
        ("return memory, memory", "return memory, 0.0", 34, "memory of another shape"),
        ("return memory, memory", "return jnp.ones(3), memory", 34, "gives 3 numbers"),
        ("x.period / 2\n", "x.period / 2, 1\n", 46, "gives no array"),
        ("return x.time >=", "return x.time +", 46, "no truth value"),
        ('x.world["qpos"], x.world', 'x.world["qpos"][:1], x.world', 55, "and qpos has 2"),
        ('x.world["qpos"], x.world', "x.world.qpos, x.world", 56, "has no attribute 'qpos'"),
        ("jnp.zeros(x.robot.nv)", "jnp.zeros(7)", 64, "and the change of qvel has 2"),
        ("(1,)).astype", "(3,)).astype", 74, "and its declared elements has 1"),
    ],
)
def test_a_rule_that_fails_is_reported_with_its_line(
    old: str, new: str, line: int, words: str, task: Path
) -> None:
    change(task, old, new)
    plan = compiled(task).plan
    assert plan is not None
    with pytest.raises(TaskError) as raised:
        Env(plan, "native", envs=1, threads=1)
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.where.line) == ("KS0709", line), problem
    assert problem.where.file == str(task.parent / "terms" / "mine.py")
    assert words in problem.message
    if "xpos" in words:
        assert "fields = ('xpos',)" in (problem.help or "")
    if "attribute 'qpos'" in words:
        assert problem.help == "write x.world['qpos']"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("return (position_of(self.body),)", "return (position_of(self.bod),)", 14, "'bod'"),
        ("return (position_of(self.body),)", "return position_of", 7, "tuple of sensor requests"),
        ("position_of(self.body),)", "position_of('leg'),)", 7, "unknown body 'leg'"),
        ("    unit =", '    fields = ("xpoz",)\n    unit =', 21, "is it 'xpos'?"),
        ("(len(robot.match_joints(self.joints)),)", "(0,)", 21, "at least 1, not (0,)"),
        ("    elements =", "    elements = () #", 68, "at least 1, not (0,)"),
    ],
)
def test_a_declaration_that_does_not_fit_the_robot(
    old: str, new: str, line: int, words: str, task: Path
) -> None:
    change(task, old, new)
    found = compile_file(task).diagnostics
    assert [(d.code, d.where.line) for d in found] == [("KS0709", line)], found
    assert words in found[0].message


def test_a_name_in_a_parameter_is_checked_as_in_a_built_in_one(task: Path) -> None:
    found = compile_file(task, ["Reward.high.body=leg"]).diagnostics
    assert [d.code for d in found] == ["KS0205"]
    found = compile_file(task, ["Observation.slow.noise={uniform: 1 m/s}"]).diagnostics
    assert [d.code for d in found] == ["KS0403"]


def test_the_code_is_part_of_the_fingerprint(task: Path) -> None:
    before = compiled(task).fingerprint
    change(task, "1.0 - off", "1.0 - 2.0 * off")
    after = compiled(task).fingerprint
    assert after != before
    change(task, "1.0 - 2.0 * off", "1.0 - off")
    assert compiled(task).fingerprint == before


def test_an_archive_runs_its_code_only_when_trusted(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "was_run"
    change(
        task, "\n\n\nclass TipHeight", f"\n\nopen({str(mark)!r}, 'a').write('x')\n\nclass TipHeight"
    )
    path = tmp_path / "own.ksim"
    assert ksim_compile.main(["-q", "-o", str(path), str(task)]) == 0
    mark.unlink()
    (task.parent / "terms" / "mine.py").unlink()  # the archive has all it needs

    for command in (["--check", str(path)], ["--explain", "tip_height", str(path)]):
        capsys.readouterr()
        assert ksim_compile.main(command) == 1
        report = capsys.readouterr().err
        assert "KS0708" in report
        assert "terms/mine.py" in report
        assert f"--emit components {path}" in report
    assert ksim_diff.main([str(path), str(path)]) == 1
    assert "KS0708" in capsys.readouterr().err
    assert not mark.exists()
    out = ["--out", str(tmp_path / "run")]
    assert ksim_run.main([str(path), *out]) == 1
    assert "KS0708" in capsys.readouterr().err
    assert artifact.read(path).plan is None
    assert ksim_compile.main(["--emit", "components", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "class TipHeight(Reward)" in shown
    assert "SHA-256" in shown
    assert not mark.exists()

    again = artifact.read(path, trust=True)
    assert again.plan is not None, again.diagnostics
    assert mark.exists()
    assert artifact.pack(again) == artifact.pack(artifact.read(path, trust=True))
    assert ksim_compile.main(["--check", "--trust", str(path)]) == 0
    assert ksim_compile.main(["--explain", "tip_height", "--trust", str(path)]) == 0
    assert "falling to 0 a metre away" in capsys.readouterr().out
    assert ksim_diff.main(["--trust", str(path), str(path)]) == 0
    assert "equal" in capsys.readouterr().out


def test_a_tampered_archive_is_refused_even_when_trusted(task: Path, tmp_path: Path) -> None:
    packed = artifact.pack(compiled(task))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "components/terms/mine.py"
    assert members[name] == TERMS.encode()

    def read(changes: dict[str, bytes]) -> list[str]:
        path = tmp_path / "t.ksim"
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in (members | changes).items():
                archive.writestr(member, data)
        return [d.code for d in artifact.read(path, trust=True).diagnostics]

    assert read({}) == []
    assert read({name: TERMS.replace("0.5", "0.6").encode()}) == ["KS0502"]
    assert read({"components/more.py": b""}) == ["KS0502"]
    assert read({"components/../evil.py": b""}) == ["KS0503"]
    assert read({"components/evil.so": b""}) == ["KS0503"]


def test_code_that_an_archive_does_not_carry_is_not_read_from_disk(
    task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.ksim"
    artifact.write(path, compiled(task))
    (tmp_path / "evil.py").write_text("raise SystemExit('this must not run')")
    monkeypatch.chdir(tmp_path)
    found = artifact.read(path, ["components=[evil.py]"], trust=True).diagnostics
    assert found[0].code == "KS0701"
    assert "carries no evil.py" in found[0].message


@pytest.mark.slow
def test_a_task_with_its_own_components_trains(task: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["--engine", "native", "--threads", "1", "--steps", "32", "--episodes", "2"]
    assert ksim_run.main([str(task), *arguments, "--out", str(out)]) == 0
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 2
    assert artifact.unpack(out / "task.ksim").components.keys() == {"terms/mine.py"}


def test_a_failing_rule_ends_ksim_run_with_a_report(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(task, "jnp.abs(x.sensor(", "jnp.abz(x.sensor(")
    assert ksim_run.main([str(task), "--engine", "native", "--out", str(tmp_path / "run")]) == 1
    report = capsys.readouterr().err
    assert "mine.py:17:15: error KS0709: Reward.high fails: AttributeError" in report
    assert "off = jnp.abz(" in report
    assert "Traceback" not in report


def test_explain_and_list_know_the_kinds_of_a_task(
    task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ksim_compile.main(["--explain", "smoothed", str(task)]) == 0
    text = capsys.readouterr().out
    assert "A low pass of joint velocities." in text
    assert "0.1 s" in text
    assert ksim_compile.main(["--list", str(task)]) == 0
    assert "  tip_height " in capsys.readouterr().out
    assert ksim_compile.main(["--explain", "smoothed"]) == 2
