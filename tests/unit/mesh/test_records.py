"""Records keep the JSON forms that the real server writes and the controller reads."""

import json

from embedded.solo_mesh.records import Instance, Model, ModelInfo, VModel

VMODEL = '{"o":"isvc","amid":"s__isvc-0","tmid":"s__isvc-0"}'
MODEL = (
    '{"type":"rt:custom-runtime-0.x","encKey":"{\\"storage_key\\":\\"localMinIO\\"}","mPath":"v2/model.json",'
    '"autoDel":true,"instanceIds":{"abcde-fghijk":1},"refs":1,"lu":2}'
)


def test_a_vmodel_reads_and_writes_the_real_form() -> None:
    vmodel = VModel.from_json(VMODEL.encode())
    assert vmodel == VModel(owner="isvc", active="s__isvc-0", target="s__isvc-0")
    assert vmodel.to_json() == VMODEL


def test_a_failed_vmodel_says_so() -> None:
    failed = VModel(owner="isvc", active="a", target="b", failed=True)
    assert json.loads(failed.to_json())["failed"] is True
    assert VModel.from_json(failed.to_json().encode()) == failed


def test_a_model_reads_and_writes_the_real_form() -> None:
    model = Model.from_json(MODEL.encode())
    assert model.info == ModelInfo("rt:custom-runtime-0.x", "v2/model.json", '{"storage_key":"localMinIO"}')
    assert model.to_json() == MODEL


def test_failures_survive_a_round_trip() -> None:
    model = Model(info=ModelInfo("t"), failed={"pod": 5}, errors={"pod": "no"}, refs=2)
    assert json.loads(model.to_json())["fails"] == {"pod": {"msg": "no"}}
    assert Model.from_json(model.to_json().encode()) == model


def test_references_never_go_below_none() -> None:
    assert Model(info=ModelInfo("t")).referenced(-1).refs == 0


def test_an_instance_of_the_real_server_is_understood_but_cannot_be_called() -> None:
    real = '{"startTime":1,"loc":"h","labels":["mt:x"],"actionable":true,"lruTime":2,"count":3,"cap":4,"used":5}'
    instance = Instance.from_json(real.encode())
    assert (instance.labels, instance.address) == (frozenset({"mt:x"}), "")
    assert Instance.from_json(instance.to_json().encode()) == instance
