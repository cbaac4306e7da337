"""What the tile cache has to know: where the tables changed, and how many points lie in a cell.

All three are written by triggers (``tiles.triggers``), whoever changes a table and however.
"""

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import Func
from django.db.models.functions import Now


class TransactionId(models.Field):
    """PostgreSQL's ``xid8``: the number of the transaction that wrote a row, never given again."""

    def db_type(self, connection):
        return "xid8"


class CurrentTransaction(Func):
    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionId()


class DirtyTile(models.Model):
    """Where a table changed: the envelope (EPSG:4326) of an old or a new row, or null for everywhere.

    ``layers`` names what is drawn from the table, as "layer" or, where points are counted in cells, as
    "layer:finest counted level". A row goes when its tiles were dropped.
    """

    relation = models.CharField(max_length=63)
    layers = ArrayField(models.CharField(max_length=60))
    xid = TransactionId(db_default=CurrentTransaction())
    box = models.GeometryField(srid=4326, null=True, spatial_index=False)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["relation", "xid"], name="tiles_dirty_xid")]

    def __str__(self):
        return f"{self.relation} {self.at}"


class CellCount(models.Model):
    """Points counted, and their degrees summed in units of 1e-7, so that their middle can be told."""

    layer = models.CharField(max_length=40)
    x = models.IntegerField()
    y = models.IntegerField()
    klass = models.CharField(max_length=40, blank=True)
    area_code = models.CharField(max_length=12, blank=True)
    n = models.BigIntegerField()
    lon = models.BigIntegerField()
    lat = models.BigIntegerField()

    class Meta:
        abstract = True


class TileBin(CellCount):
    """The points of a layer in a cell: level, column, row (``tiles.queries.bins``), class, community."""

    level = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["layer", "level", "x", "y", "klass", "area_code"], name="tiles_bin_once"
            )
        ]

    def __str__(self):
        return f"{self.layer} {self.level}/{self.x}/{self.y} {self.klass}: {self.n}"


class TileBinDelta(CellCount):
    """A change at the layer's finest level that is not folded into ``TileBin`` yet; readers add both."""

    class Meta:
        indexes = [models.Index(fields=["layer", "x", "y"], name="tiles_bindelta_cell")]

    def __str__(self):
        return f"{self.layer} {self.x}/{self.y} {self.klass}: {self.n:+}"
