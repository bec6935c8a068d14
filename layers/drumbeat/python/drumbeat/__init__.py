"""Drumbeat's shared code: rules, storage, adapters and the edge. Functions import from here and from nowhere else."""
