"""Assets from files: read, judged row by row, loaded in one transaction."""

from assets.importing.load import Refusal, Report, import_layer
from assets.importing.targets import TARGETS, parse_mapping

__all__ = ["TARGETS", "Refusal", "Report", "import_layer", "parse_mapping"]
