"""Migration operations for tables that have a place."""

from django.db.migrations import RunSQL


class AttachLocated(RunSQL):
    """Give a ``Located`` table its trigger. ``table`` is the database table's name."""

    def __init__(self, table: str):
        self.table = table
        super().__init__(
            f"create trigger located before insert or update of geom on {table}"
            " for each row execute function wangge_locate()",
            f"drop trigger located on {table}",
        )

    def deconstruct(self):
        return self.__class__.__qualname__, [self.table], {}
