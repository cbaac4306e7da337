"""The residents' pages (``/public/``): report, follow, rate, look around, read and say. No account.

``actions`` are the verbs, ``limits`` keeps them from being abused, ``codes`` is how somebody without an
account comes back to what is theirs, ``pages`` are what residents see and ``desk`` what staff do about it.
"""
