"""The summary of a run fits on a page, whatever the run was."""

from cli.summary import summary
from tests.unit.cli.engine_events import ended, events, step, violation

SERVICE = "serving.kserve.io/v1beta1:InferenceService"


def test_a_run_has_all_sections_in_order_and_the_bill_before_and_after() -> None:
    def pod(image: str, cpu: str, memory: str) -> dict[str, object]:
        sizes = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "1", "memory": "2Gi"}}
        return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image, "resources": sizes}]}}}}

    run = events(
        step(SERVICE, "m", None, {"spec": {"predictor": {"model": {"storageUri": "s3://b/m"}}}}),
        step("apps/v1:Deployment", "d", pod("x:1", "50m", "96Mi"), pod("x:2", "1", "1Gi"), changes=["spec.template.x"]),
        violation("images-by-digest", "d", "image: 'x:2', expected a digest"),
        violation("no-privileges", "d", "privileged: true, expected false", "mandatory"),
        violation("images-by-digest", "e", "image: 'x:2', expected a digest"),
        violation("no-privileges", "e", "privileged: true, expected false", "mandatory"),
        ended(same=4, update=1, create=1),
    )
    assert list(summary(run)) == [
        "Resources: create 1, update 1, same 4",
        "Models",
        "  + m: s3://b/m",
        "Images",
        "  ~ x:1 → x:2 (d/c)",
        "Restarts",
        "  ~ Deployment d: its pods roll (x)",
        "Policies",
        "  - no-privileges (mandatory): 2",
        "      d: privileged: true, expected false",
        "      e: privileged: true, expected false",
        "  ~ images-by-digest (advisory): 2, first d: image: 'x:2', expected a digest",
        "Bill",
        "                         now     after",
        "  pods                     1         1",
        "  cpu requests          0.05         1",
        "  memory requests     0.09Gi    1.00Gi",
        "  cpu limits               1         1",
        "  memory limits       2.00Gi    2.00Gi",
    ]


def test_nothing_is_said_about_a_run_without_events() -> None:
    assert list(summary(events())) == []


def test_pods_whose_sizes_are_known_later_are_named() -> None:
    run = events(step("apps/v1:Deployment", "d", None, {"spec": {}}), ended(create=1))
    assert list(summary(run))[-1] == "  without d: sizes are not known before the update"


def test_of_a_thousand_models_some_are_named_and_lines_are_not_endless() -> None:
    model = {"spec": {"predictor": {"model": {"storageUri": "s3://b/" + "m" * 1_000}}}}
    lines = list(summary(events(*(step(SERVICE, f"m{number}", None, model) for number in range(1_000)))))
    assert len(lines) < 40
    assert "  … and 980 more" in lines
    assert max(map(len, lines)) < 210
