"""Tasks in the forms that other projects' learners expect of an environment.

Each module needs a package that this project does not install: ``gymnasium``,
``stable_baselines3``, ``brax`` or ``rsl_rl``. All are thin: what happens in a tick is
:class:`ksim_compiler.Environment`'s.
"""
