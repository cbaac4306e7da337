"""Proposals of grids: blocks become a graph, GerryChain and a search of our own divide it, a judge compares.

Everything here is pure: arrays in, assignments out. ``recom`` imports GerryChain (1 s, 100 MB), so nobody but
the job imports ``propose``.
"""
