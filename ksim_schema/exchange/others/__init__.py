"""What other trainings write beside a run, read as data and translated into a task.

``tagged`` reads YAML with any tags and runs nothing; ``managed`` knows the ``env.yaml`` of mjlab
and of Isaac Lab, ``unilab`` the task files of UniLab; ``draft`` writes what they made of them.
"""
