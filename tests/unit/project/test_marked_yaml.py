"""Fields of YAML documents are found with their lines."""

import yaml

from project.marked_yaml import MarkedDocument, documents

TEXT = """\
# a comment
a: &alias {b: 1}
list:
  - {x: 1}
  - x: 1
    y: 2020-01-01
block: |

  inner:
    deep: 1
folded: >
  inner: 1
merged:
  <<: *alias
  <<: *alias
  b: 2
---
- {a: 1, a: 2}
---
{{ template }}
---
a: [
"""


def test_each_field_has_a_line_or_that_of_the_field_above() -> None:
    document = next(documents(TEXT))
    assert isinstance(document, MarkedDocument)
    assert document.value["list"][1]["y"] == "2020-01-01", "a text, as in JSON"
    places = {
        (): 2,
        ("absent",): 2,
        ("list",): 3,
        ("list", 1): 5,
        ("list", 1, "y"): 6,
        ("list", 7): 3,
        ("list", "x"): 3,
        ("block",): 7,
        ("block", "inner", "deep"): 10,
        ("block", "absent"): 9,
        ("folded", "inner"): 11,
        ("merged", "b"): 16,
    }
    assert {path: document.line(path) for path in places} == places


def test_keys_twice_and_documents_that_cannot_be_read_hide_nothing() -> None:
    first, second, template, syntax = documents(TEXT)
    assert isinstance(first, MarkedDocument)
    assert first.repeated == (), "an alias merged twice is no key twice"
    assert isinstance(second, MarkedDocument)
    assert second.repeated == ((0, "a"),)
    assert isinstance(template, yaml.YAMLError)
    assert isinstance(syntax, yaml.YAMLError)
