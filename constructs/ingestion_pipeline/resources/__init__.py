"""The constructs of the pipeline, one module for each capability.

Each takes `scope`, its parent in the construct tree, and `id_`, its name there,
which is part of Terraform addresses.
"""
