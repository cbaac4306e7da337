"""The desk's pages about cases: the console, one case, the dispatch rules."""
