"""Words inside texts by an index that knows pairs of characters.

Chinese is searched for by one or two characters; trigrams begin at three. A GIN index over ``Pairs(fields)``
knows each pair of neighbouring characters, folded to capitals, and by its beginning each single one
(docs/decisions/0013-words-by-pairs.md).
"""

from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.functions import StrIndex, Upper
from django.db.models.lookups import Exact


class Joined(Func):
    """Text fields one below the other; no text that is searched for has a new line in it."""

    template = "(%(expressions)s)"
    arg_joiner = " || E'\\n' || "
    output_field = TextField()


class Pairs(Func):
    """The pairs of characters of some text fields together: what an index holds and ``said_in`` looks up."""

    function = "wangge_pairs"
    arity = 1
    output_field = TextField()

    def __init__(self, *fields):
        super().__init__(Joined(*fields))


class _Have(Func):
    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = BooleanField()


def said_in(text: str, *fields: str, few: bool = False) -> Q:
    """Rows with the text somewhere in one of the fields, capital letters or not, by the index.

    The fields are those of the index, in its order. Pairs alone would also find a text that has them all,
    but apart, so the text itself is looked for in the rows that are left; said as "not nowhere", because
    PostgreSQL takes that for likely, and how many rows there are then follows from the pairs alone. Where
    something else leaves only ``few`` rows, reading their texts is quicker than their pairs are.
    """
    there = ~Q(Exact(StrIndex(Upper(Joined(*fields)), Upper(Value(text))), 0))
    if few:
        return there
    return Q(_Have(Pairs(*fields), Func(Value(text), function="wangge_pairs_of"))) & there
