"""The networks and the learner: rsl_rl's ``agent.yaml``, and the same fields in UniLab's files."""

from __future__ import annotations

from ksim_schema.exchange.others.draft import Draft
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.exchange.others.terms import Fields

ACTIVATIONS = ("elu", "relu", "tanh", "gelu", "swish")
_PPO = (
    ("epochs", ("algorithm", "num_learning_epochs"), True),
    ("minibatches", ("algorithm", "num_mini_batches"), True),
    ("gamma", ("algorithm", "gamma"), False),
    ("lam", ("algorithm", "lam"), False),
    ("clip", ("algorithm", "clip_param"), False),
    ("entropy", ("algorithm", "entropy_coef"), False),
    ("gradient_clip", ("algorithm", "max_grad_norm"), False),
    ("rollout", ("num_steps_per_env",), True),
)
"""Our field, their path, and whether it is a whole number."""


def translate(
    draft: Draft, agent: Value | None, read: dict[str, list[str]], told: dict[str, list[str]]
) -> None:
    """Policy, critic and PPO.

    Args:
        draft: the task; environments are taken from what it has of PPO.
        agent: the file of the learner, if it is there.
        read: of ``policy`` and of ``critic``, the observations.
        told: the same, the commands.
    """
    inputs, obeyed = read.get("policy", []), told.get("policy", [])
    actor: Fields = {"read": inputs} | ({"obey": obeyed} if obeyed else {})
    seen, heard = read.get("critic") or inputs, told.get("critic") or obeyed
    judge: Fields = {"clean": seen} | ({"obey": heard} if heard else {})
    policy, critic = network(agent, "actor"), network(agent, "critic")
    actor |= {"network": policy} if policy else {}
    spread = agent.get("policy", "init_noise_std") if agent is not None else None
    if spread is not None and spread.number:
        actor["distribution"] = {"kind": "gaussian", "init_std": spread.number}
    draft.add("Policy", "actor", actor)
    draft.add("Critic", "critic", {"judge": judge} | ({"network": critic} if critic else {}))
    if agent is not None:
        ppo(draft, agent)


def network(agent: Value | None, who: str) -> Fields:
    """The network of ``actor`` or ``critic``; {} where the file does not say it."""
    if agent is None:
        return {}
    sizes = agent.get("policy", f"{who}_hidden_dims") or agent.get(who, "hidden_dims")
    kind = agent.get("policy", "activation") or agent.get(who, "activation")
    if sizes is None:
        return {}
    hidden = [int(v.number) for v in sizes.list() if v.number]
    fields: Fields = {"kind": "mlp", "hidden": hidden}
    if kind is not None and kind.text in ACTIVATIONS:
        fields["activation"] = kind.text
    return fields


def ppo(draft: Draft, agent: Value) -> None:
    """The learner's numbers."""
    fields = draft.sections.setdefault("PPO", {})
    count = agent.get("num_envs")
    if count is not None and count.number:
        fields["envs"] = int(count.number)
    for ours, theirs, whole in _PPO:
        found = agent.get(*theirs)
        if found is not None and found.number is not None:
            fields[ours] = int(found.number) if whole else found.number
    rate, schedule = (agent.get("algorithm", n) for n in ("learning_rate", "schedule"))
    target = agent.get("algorithm", "desired_kl")
    if rate is not None and rate.number:
        adaptive = schedule is not None and schedule.text == "adaptive" and target is not None
        adapted: Fields = {"start": rate.number, "adaptive_kl": target.number if target else None}
        fields["learning_rate"] = adapted if adaptive else rate.number
    turns = agent.get("max_iterations")
    if turns is not None and turns.number and "envs" in fields and "rollout" in fields:
        fields["steps"] = int(turns.number) * fields["envs"] * fields["rollout"]
