"""Ingests a source on this machine, without AWS: ``run`` does the work, ``stand_ins`` are in AWS's place."""
