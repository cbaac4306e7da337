"""OGC API – Features 1.0 (17-069r4) and – Tiles 1.0 (20-057) over the layers that a caller may see."""
