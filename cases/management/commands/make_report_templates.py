"""Make the shipped Word templates of reports anew: ``manage.py make_report_templates``."""

from django.core.management.base import BaseCommand
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from cases.statistics.bulletin import FOLDER

FONT, HEADING = "宋体", "黑体"


def _font(run, size, name=FONT, bold=False, colour=None):
    run.font.name, run.font.size, run.font.bold = name, Pt(size), bold
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    return run


def _say(document, text, size=11, name=FONT, bold=False, centre=False, after=6):
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(after)
    if centre:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _font(paragraph.add_run(text), size, name, bold)
    return paragraph


def _cell(cell, text, bold=False):
    _font(cell.paragraphs[0].add_run(text), 9.5, FONT, bold)


def make(path):
    """A sheet with a heading, the frame, the figures, and a table for each part."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.4)
    section.top_margin = section.bottom_margin = Cm(2.2)
    _say(document, "{{ heading }}", 22, HEADING, True, centre=True, after=4)
    _say(document, "{{ area }}  {{ period }}", 12, centre=True, after=2)
    _say(
        document,
        "{{ labels.as_of }} {{ as_of }}    {{ labels.author }} {{ author }}",
        9.5,
        centre=True,
        after=14,
    )
    _say(document, "{{ labels.figures }}", 14, HEADING, True)
    table = document.add_table(4, 3)
    table.style = "Table Grid"
    for cell, text in zip(table.rows[0].cells, ("figure", "value", "change"), strict=True):
        _cell(cell, f"{{{{ labels.{text} }}}}", True)
    _cell(table.rows[1].cells[0], "{%tr for row in figures %}")
    for cell, text in zip(table.rows[2].cells, ("label", "value", "change"), strict=True):
        _cell(cell, f"{{{{ row.{text} }}}}")
    _cell(table.rows[3].cells[0], "{%tr endfor %}")
    _say(document, "{%p for part in parts %}")
    _say(document, "{{ part.title }}", 14, HEADING, True)
    _say(document, "{%p if part.rows %}")
    table = document.add_table(4, 3)
    table.style = "Table Grid"
    head = table.rows[0].cells
    _cell(head[0], "{%tc for word in part.columns %}", True)
    _cell(head[1], "{{ word }}", True)
    _cell(head[2], "{%tc endfor %}", True)
    _cell(table.rows[1].cells[0], "{%tr for row in part.rows %}")
    row = table.rows[2].cells
    _cell(row[0], "{%tc for word in row %}")
    _cell(row[1], "{{ word }}")
    _cell(row[2], "{%tc endfor %}")
    _cell(table.rows[3].cells[0], "{%tr endfor %}")
    _say(document, "{%p else %}")
    _say(document, "{{ part.empty }}")
    _say(document, "{%p endif %}")
    _say(document, "{%p endfor %}")
    document.core_properties.author = "Wangge"
    document.core_properties.title = path.stem
    document.save(path)


class Command(BaseCommand):
    help = "Make the shipped Word templates of reports anew."

    def handle(self, *args, **options):
        FOLDER.mkdir(exist_ok=True)
        for name in ("bulletin", "concern"):
            make(FOLDER / f"{name}.docx")
            self.stdout.write(str(FOLDER / f"{name}.docx"))
