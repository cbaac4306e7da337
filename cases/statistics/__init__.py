"""Statistics of cases: indicators as data, one statement per table, the way from a figure to its cases."""
