"""Looks at a source with a few requests, and proposes the ``[[sources]]`` block that reads it.

``client`` asks within bounds, ``bodies`` finds the records, ``pagination`` what the next page may be,
``fields`` what the records hold, ``block`` writes the proposal, ``look`` does one after the other.
"""
