"""Tornado's templates, as its loader would make them of files that are called .html."""

from tornado.template import Template

import timing

FORTUNES = Template(
    "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>"
    "<tr><th>id</th><th>message</th></tr>"
    "{% for fortune in fortunes %}"
    "<tr><td>{{ fortune['id'] }}</td><td>{{ fortune['message'] }}</td></tr>"
    "{% end %}"
    "</table></body></html>\n",
    name="fortunes.html",
)
TABLE = Template(
    "<!DOCTYPE html><html><head><title>Table</title></head><body><table>"
    "{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% end %}</tr>{% end %}"
    "</table></body></html>\n",
    name="table.html",
)


def fortunes(stored):
    return FORTUNES.generate(fortunes=timing.added_and_sorted(stored))


def table(rows):
    return TABLE.generate(rows=rows)


timing.main(fortunes, table)
