"""Jinja2 with autoescape. The page is encoded, because bytes are what a server sends and what Tornado's templates make."""

from jinja2 import Environment

import timing

environment = Environment(autoescape=True, keep_trailing_newline=True)
FORTUNES = environment.from_string(
    "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>"
    "<tr><th>id</th><th>message</th></tr>"
    "{% for fortune in fortunes %}"
    "<tr><td>{{ fortune['id'] }}</td><td>{{ fortune['message'] }}</td></tr>"
    "{% endfor %}"
    "</table></body></html>\n"
)
TABLE = environment.from_string(
    "<!DOCTYPE html><html><head><title>Table</title></head><body><table>"
    "{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}"
    "</table></body></html>\n"
)


def fortunes(stored):
    return FORTUNES.render(fortunes=timing.added_and_sorted(stored)).encode()


def table(rows):
    return TABLE.render(rows=rows).encode()


timing.main(fortunes, table)
