"""The pipeline as a plain Terraform module, emitted from the same constructs: ``python -m tools.module``.

Synthesize once with references in place of settings, then rewrite the JSON in pure steps.
"""
