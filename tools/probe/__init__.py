"""Examines a source with a few requests, and proposes the ``[[sources]]`` block that reads it.

``client`` sends requests within limits, ``bodies`` finds the records, ``pagination`` finds the next page,
``fields`` describes the records, ``block`` writes the proposal, and ``look`` runs all of them in order.
"""
