"""Examines a source with a few requests, and proposes the ``[[sources]]`` block that reads it.

``client`` sends requests within limits, ``bodies`` finds the records, ``signs`` finds totals, flags and
links, ``asked`` has the request's parameters, ``pagination`` guesses how to page, ``walk`` reads pages with
the function's own reader, ``ends`` tries where they end, ``fields`` describes the records, ``block`` writes
the proposal, and ``look`` runs all of them in order.
"""
