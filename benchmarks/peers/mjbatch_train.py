"""PPO with torch around mjbatch's Go1; runs in the environment of the peer mjbatch.

    python -m benchmarks.peers.mjbatch_train --root GO1 --out FOLDER [--seed 0] [--iterations 600]

An equivalent of the example `go1_joystick` of mjbatch, written from its settings: 1,024
environments for 24 ticks, 5 epochs of 4 minibatches, a policy that is averaged with its own mirror
image, and so commutes with the mirror.
"""
# pyright: reportMissingImports=false, reportUntypedFunctionDecorator=false, reportUntypedBaseClass=false

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.peers import stamps
from benchmarks.peers.mjbatch_env import Go1
from benchmarks.peers.senses import ACTIONS, IMAGE, IMAGE_SIGN, LEGS, LEGS_SIGN, SIZE

ENVS, TICKS = 1024, 24
GAMMA, LAMBDA, CLIP, ENTROPY = 0.99, 0.95, 0.2, 0.005
EPOCHS, MINIBATCHES, NORM = 5, 4, 1.0
RATE, LAST_RATE, RATE_ITERATIONS = 1e-3, 5e-4, 400
HIDDEN, STD = 128, 0.5
CONSTANT = 0.5 * ACTIONS * math.log(2 * math.pi)


def layers(outputs: int) -> Any:
    """A network of two hidden layers."""
    sizes = ((SIZE, HIDDEN), (HIDDEN, HIDDEN))
    hidden = [module for size in sizes for module in (nn.Linear(*size), nn.ELU())]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, outputs))


class Learner(nn.Module):
    """Policy, value, and the statistics of what they see."""

    mean: Any
    scale: Any

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.value = layers(ACTIONS), layers(1)
        self.log_std = nn.Parameter(torch.full((ACTIONS,), math.log(STD)))
        buffers = {"mean": torch.zeros(SIZE), "scale": torch.ones(SIZE)}
        fixed = {"image": IMAGE, "image_sign": IMAGE_SIGN, "legs": LEGS, "legs_sign": LEGS_SIGN}
        for name, array in (buffers | fixed).items():
            self.register_buffer(name, torch.as_tensor(array))
        self.count = 1e-4
        self.variance = torch.ones(SIZE)

    def centred(self, seen: Any) -> Any:
        return (seen - self.mean) * self.scale

    def act(self, seen: Any, normal: Any) -> Any:
        """Mean actions for observations, given as they are and normalized."""
        image = self.centred(seen[:, self.image] * self.image_sign)
        there = self.policy(image)[:, self.legs] * self.legs_sign
        return 0.5 * (self.policy(normal) + there)

    def forward(self, seen: Any) -> tuple[Any, Any]:
        """Mean actions (n, 12) and values (n,)."""
        normal = self.centred(seen)
        return self.act(seen, normal), self.value(normal)[:, 0]

    @torch.no_grad()
    def heed(self, seen: Any) -> None:
        """Take observations into the statistics (Chan, Golub & LeVeque 1979)."""
        variance, mean = torch.var_mean(seen, 0, correction=0)
        new, apart = len(seen), mean - self.mean
        total = self.count + new
        between = apart.square() * (self.count * new / total)
        self.variance = (self.variance * self.count + variance * new + between) / total
        self.mean += apart * (new / total)
        self.count = total
        self.scale.copy_(1 / (self.variance.sqrt() + 1e-5))

    def arrays(self) -> dict[str, np.ndarray]:
        """What acting takes, as `players.Mirrored` reads it."""
        found = {"mean": self.mean.numpy(), "scale": self.scale.numpy()}
        for place, module in enumerate(m for m in self.policy if isinstance(m, nn.Linear)):
            found[f"weight{place}"] = module.weight.detach().numpy()
            found[f"bias{place}"] = module.bias.detach().numpy()
        return found


class Rollout:
    """TICKS ticks of all environments, kept in arrays that are made once."""

    def __init__(self, envs: int) -> None:
        def empty(*size: int) -> np.ndarray:
            return np.empty((TICKS, envs, *size), np.float32)

        self.seen, self.action = empty(SIZE), empty(ACTIONS)
        self.density, self.value, self.reward, self.goes_on = (empty() for _ in range(4))
        self.last = np.empty(envs, np.float32)

    @torch.no_grad()
    def collect(self, env: Go1, learner: Learner) -> tuple[int, int]:
        """Fill it; how many episodes ended, and how many of them in a fall."""
        std = learner.log_std.exp().numpy()
        shift = float(learner.log_std.sum()) + CONSTANT
        ended = falls = 0
        for tick in range(TICKS):
            mean, value = learner(torch.from_numpy(env.observe(self.seen[tick])))
            noise = env.rng.standard_normal(mean.shape, np.float32)
            self.action[tick] = mean.numpy() + std * noise
            self.density[tick] = -0.5 * np.einsum("na,na->n", noise, noise) - shift
            self.value[tick] = value.numpy()
            reward, done, fell = env.step(self.action[tick])
            if (over := np.flatnonzero(done)).size:
                late = over[~fell[over]]
                if late.size:  # the time limit is none of the task's: the value goes on
                    seen = torch.from_numpy(env.observe()[late])
                    reward[late] += GAMMA * self.worth(learner, seen)
                env.begin(over)
                ended, falls = ended + over.size, falls + int(fell[over].sum())
            self.reward[tick], self.goes_on[tick] = reward, ~done
        self.last[:] = self.worth(learner, torch.from_numpy(env.observe()))
        return ended, falls

    @staticmethod
    def worth(learner: Learner, seen: Any) -> np.ndarray:
        return learner.value(learner.centred(seen))[:, 0].numpy()

    def advantages(self) -> np.ndarray:
        """(ticks, envs), generalized (Schulman et al. 2016)."""
        found, later, after = np.empty_like(self.value), np.zeros_like(self.last), self.last
        for tick in reversed(range(TICKS)):
            goes_on = self.goes_on[tick]
            surprise = self.reward[tick] + GAMMA * goes_on * after - self.value[tick]
            found[tick] = later = surprise + GAMMA * LAMBDA * goes_on * later
            after = self.value[tick]
        return found


def improve(learner: Learner, optimizer: Any, rollout: Rollout) -> None:
    """The update of PPO (Schulman et al. 2017)."""
    gains = rollout.advantages()
    flat = (rollout.seen, rollout.action, rollout.density, gains, gains + rollout.value)
    rows = [torch.from_numpy(array.reshape(-1, *array.shape[2:])) for array in flat]
    seen, rows[3] = rows[0], (rows[3] - rows[3].mean()) / (rows[3].std() + 1e-8)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(seen)).chunk(MINIBATCHES):
            x, action, before, gain, worth = (row[part] for row in rows)
            mean, value = learner(x)
            off = (action - mean) * torch.exp(-learner.log_std)
            density = -0.5 * off.square().sum(1) - learner.log_std.sum() - CONSTANT
            ratio = torch.exp(density - before)
            clipped = torch.clamp(ratio, 1 - CLIP, 1 + CLIP)
            policy = -torch.minimum(ratio * gain, clipped * gain).mean()
            error = 0.5 * (value - worth).square().mean()
            optimizer.zero_grad(set_to_none=True)
            (policy + error - ENTROPY * learner.log_std.sum()).backward()
            nn.utils.clip_grad_norm_(learner.parameters(), NORM)
            optimizer.step()
    learner.heed(seen)


def rate(iteration: int) -> float:
    """The learning rate, which falls on a line and then stays."""
    share = min(iteration / RATE_ITERATIONS, 1.0)
    return RATE + share * (LAST_RATE - RATE)


def main() -> None:
    """Train, and leave checkpoints."""
    since = stamps.begun()
    parser = stamps.command_line(__doc__)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--envs", type=int, default=ENVS)
    parser.add_argument("--every", type=int, default=10, help="iterations between checkpoints")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    env, learner, rollout = (
        Go1(options.root, options.envs, options.seed),
        Learner(),
        Rollout(options.envs),
    )
    optimizer = torch.optim.Adam(learner.parameters(), RATE, fused=True)
    collecting = begun = time.time()
    in_rollouts = 0.0
    for iteration in range(options.iterations):
        optimizer.param_groups[0]["lr"] = rate(iteration)
        collecting = time.time()
        ended, falls = rollout.collect(env, learner)
        in_rollouts += time.time() - collecting
        improve(learner, optimizer, rollout)
        done = iteration + 1
        if done % options.every == 0 or done == options.iterations:
            steps, spent = done * TICKS * options.envs, time.time() - begun
            stamp = stamps.write(options.out, steps, learner.arrays(), since)
            print(
                f"{done:5d}  {stamp.seconds:7.1f} s  {steps / spent:8,.0f} steps/s  rollouts"
                f" {in_rollouts / spent:.0%}  reward {rollout.reward.mean():.3f}"
                f"  {falls}/{ended} fell",
                flush=True,
            )


if __name__ == "__main__":
    main()
