"""Evaluation of areas, units and posts (综合评价)."""
