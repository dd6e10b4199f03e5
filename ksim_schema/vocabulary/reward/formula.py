"""A reward given as an arithmetic expression."""

from typing import Annotated, Literal

from pydantic import Field

from ksim_schema.vocabulary.base import Names, Wire
from ksim_schema.vocabulary.formula import Formulated
from ksim_schema.vocabulary.reward.base import Reward


class Formula(Formulated, Reward):
    """An arithmetic expression over named quantities, checked for units and shapes.

    Quantities: ``base.height`` (m), ``base.tilt`` (rad), ``base.forward``, ``base.left``,
    ``base.up`` (m/s, in the heading frame), ``base.turn`` (rad/s about the vertical); of a joint
    ``joint.<name>``, ``.velocity``, ``.acceleration``, ``.torque`` (of all actuators), and the
    same of all joints that a pattern matches, as vectors: ``joints['hip_.*']``; ``.home``,
    ``.lower``, ``.upper`` (home pose and limits); of sites, bodies and geoms, in the world's axes,
    ``site.<name>``, ``body.<name>``, ``geom.<name>`` (position, m), ``.height``, ``.velocity``,
    ``.angular_velocity``, ``.x_axis``, ``.y_axis``, ``.z_axis`` (unit vectors; ``.up`` is the
    z axis), and of a body with all below it ``.com`` and ``.com_velocity``; ``contact.<geom>``
    and ``contact.<geom>.<other>`` (1 or 0; ``.force``, N), ``body.<name>.external_force`` and
    ``.external_torque``; of several ``bodies['foot_.*']``, ``sites[...]``, ``geoms[...]``,
    ``contacts['foot_.*'].floor``, one after the other; ``sensor.<name>`` of
    the model, in the unit of its type; ``action`` and ``action.previous`` (vectors), ``time`` (s),
    ``command.<name>`` (a vector) and ``command.<name>.<label>``; ``.orientation`` of bodies, sites
    and commanded poses (a quaternion). A vector of three has the
    elements ``.x``, ``.y``, ``.z``; a name with other signs than letters, digits and _ stands in
    quotes: ``joint['left/knee'].velocity``.

    Operators: + - * / and ** with a number; < <= > >= give a condition, as in
    ``0 < base.height < 0.3``, which ``and``, ``or``, ``not`` join and which counts as 1 or 0.
    Functions: exp, log, sqrt, square, sin, cos, tanh, abs, min, max, clip, atan2; sum, mean, norm
    of a vector; any, all of a vector of conditions; distance(a, b) of two vectors;
    angle(a, b) of two orientations (rad);
    where(condition, a, b); tolerance(x, low, high, margin), which is 1 from low to high (either
    may be inf) and falls to 0.1 at the margin (dm_control's, a Gaussian, or as a fifth argument
    says, 'linear', and a sixth, the value at the margin). ``[a, b]`` is a vector of both;
    previous(x) is what x was at the end of the tick before, ever(condition) whether it has held.

    ``1.1*m`` is a length. A bare number beside a quantity takes its unit (``base.height - 1.1``);
    as its factor or divisor it may be a weight or a scale, which leaves a plain number
    (``base.height / 0.1``). ``let`` names terms: ``let: {away: body.cube - site.tip}``.
    """

    kind: Literal["formula"] = "formula"
    fields = ("qpos", "qvel")
    channels = ("state", "action")
    commands: Annotated[Names, Wire("reward", of="Command")] = Field(
        default=(), description="Commands that the formula names; found in it by default."
    )
