"""Strokes by the name of their operation: each takes a draft and parameters and says what would change."""

from grids.planning.strokes import attributes, hand_over, lines, vertices

OPERATIONS = {
    "hand_over": hand_over.hand_over,
    "merge": attributes.merge,
    "set": attributes.change,
    "assign": attributes.assign,
    "cut": lines.cut,
    "carve": lines.carve,
    "reshape": lines.reshape,
    "move_vertices": vertices.move_vertices,
}
