"""Long new resources are told by their first lines; what changes is always told in full."""

from cli.shortening import shortened, without_colours

NEW = """\
Previewing update (prod):
+ pulumi:pulumi:Stack: (create)
    [urn=urn:pulumi:prod::modelmesh::pulumi:pulumi:Stack::modelmesh-prod]
    + kubernetes:x/v1:CustomResourceDefinition: (create)
        [urn=urn:pulumi:prod::a]
        apiVersion: "v1"
        spec      : {
            one  : 1
            two  : {
                three: 3
            }
        }
    pack@v1.0.0 [mandatory]  rule  (x: a)About it.
spec.two: 2, expected 3
    + kubernetes:core/v1:Namespace: (create)
        [urn=urn:pulumi:prod::b]
        metadata: {
            name: "b"
        }
Resources:
    + 2 to create
"""


def short(text: str, longest: int) -> str:
    return "".join(shortened(text.splitlines(keepends=True), longest))


def test_what_fits_stays_as_it_is() -> None:
    assert short(NEW, 4) == NEW


def test_the_rest_of_a_new_resource_is_counted() -> None:
    lines = short(NEW, 1).splitlines()
    assert lines[7:11] == ["            one  : 1", "        … 3 lines more", "        }", lines[10]]
    assert '            name: "b"' in lines, "each resource has lines of its own"


def test_policies_and_counts_are_never_left_out() -> None:
    text = short(NEW, 0)
    for line in NEW.splitlines():
        assert line in text.splitlines() or line.startswith(" " * 12), line


def test_a_changed_resource_is_told_in_full() -> None:
    changed = NEW.replace("+ kubernetes:x/v1:CustomResourceDefinition: (create)", "~ kubernetes:x:Y: (update)")
    assert "three" in short(changed, 0)
    assert "three" not in short(NEW, 0)


def test_marked_and_coloured_lines_count_by_where_they_stand() -> None:
    deleted = NEW.replace(
        "    + kubernetes:x/v1:CustomResourceDefinition: (create)", "\x1b[31m    - kubernetes:x:Y: (delete)"
    )
    deleted = deleted.replace("            one  : 1", "\x1b[31m          - one  : 1\x1b[0m")
    assert "one" not in short(deleted, 0)
    assert without_colours("\x1b[38;5;2m+ a\x1b[0m \x1b[1mb") == "+ a b"
