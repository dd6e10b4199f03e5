"""The table of what is active, printed before a training starts."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ksim_compiler.plan import Plan, base_text
from ksim_schema.graph import Node
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.termination import Termination


def print_active(console: Console, plan: Plan, engine: str) -> None:
    """Print the engine, the observations, actions, rewards and the other parts of a task."""
    facts, learner = plan.robot.facts, plan.task.learner
    named = "" if learner.section in plan.task.document.data else " with its defaults"
    console.print(f"[bold]{plan.task.name}[/bold] {plan.task.about}".rstrip())
    console.print(
        f"{facts.source}: {len(facts.motion_joints)} joints, {facts.mass:.1f} kg, "
        f"{base_text(facts)}; "
        f"control {1 / plan.period:g} Hz, {plan.substeps} physics steps of "
        f"{facts.timestep * 1e3:g} ms; engine {engine}; "
        f"{learner.section}{named}, {learner.envs} environments x {learner.rollout}"
    )
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for title in ("part", "kind", "shape", ""):
        table.add_column(title, overflow="fold")  # a name that is cut off is not a name
    policy, critic = ({c.source for c in cs} for cs in (plan.policy_input, plan.critic_input))
    for object in ("Command", "Observation"):
        for name, part in plan.parts(object).items():
            node = Node(object, name)
            readers = [t for t, r in (("policy", policy), ("critic", critic)) if node in r]
            shape = "x".join(map(str, plan.shapes[node]))
            table.add_row(str(node), part.kind_name, shape, ", ".join(readers))
    for name in plan.actions():
        node = Node("Action", name)
        kind = plan.task.of(Action)[name].kind_name
        table.add_row(str(node), kind, str(plan.shapes[node][0]), "")
    for name, part in plan.parts(Reward).items():
        sign = "-" if part.penalty else "+"
        table.add_row(f"Reward.{name}", part.kind_name, "", f"{sign}{part.scale.text}")
    for name, part in plan.parts(Termination).items():
        table.add_row(
            f"Termination.{name}", part.kind_name, "", "time-out" if part.is_timeout else "failure"
        )
    for object in ("Reset", "Event", "Randomizer", "Curriculum"):
        for name, part in plan.parts(object).items():
            table.add_row(f"{object}.{name}", part.kind_name, "", "")
    console.print(table)
