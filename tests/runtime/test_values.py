"""What a model's code gets and what becomes of its answers, in the model server's environment but without a server."""

import subprocess
import textwrap
from pathlib import Path

import pytest

from project.environments import venv_for
from project.model_server import BASE
from tests.runtime.server import RUNTIME

BEGIN = """
    import tracemalloc
    import numpy as np
    from mlserver.grpc.dataplane_pb2 import ModelInferRequest
    from mlserver.types import InferenceResponse, ResponseOutput
    from modelmesh_runtime import CustomMLModel, Datatype, Tensor
    from modelmesh_runtime.codec import RequestConverter, as_json
    from modelmesh_runtime.testing import LoadedModel

    def model(load, predict, **tensors):
        members = {"_load_model_from_file": load, "_predict_outputs": predict, **tensors}
        return LoadedModel(type("Made", (CustomMLModel,), members), "model")

    def tensor(name, datatype, *shape, **fields):
        return Tensor(name=name, datatype=datatype, shape=shape, **fields)

    def sent(**fields):
        message = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[3])
        for name, value in fields.items():
            getattr(message.contents, name).extend(value)
        return message
"""
CASES = {
    "Unknown fields of a message are no values.": (
        """
        message = sent(fp32_contents=[1, 2, 3])
        message.contents.MergeFromString(bytes([15 << 3, 1]))
        print(RequestConverter.to_types(ModelInferRequest(inputs=[message])).inputs[0].data.root.tolist())
        """,
        "[1.0, 2.0, 3.0]",
    ),
    "A shape has a bounded number of dimensions.": (
        """
        message = sent(fp32_contents=[1])
        message.shape.extend([1] * 32)
        try:
            RequestConverter.to_types(ModelInferRequest(inputs=[message]))
        except Exception as error:
            print(error)
        """,
        'input "x": expected at most 32 dimensions, got 33',
    ),
    "Arrays are read-only however they came.": (
        """
        seen = []
        numbers = [tensor(kind, Datatype[kind], "N") for kind in ("FP32", "INT64", "BOOL")]
        def predict(self, payload):
            seen.extend(self.values(payload, each.name).flags.writeable for each in numbers)
            return {"y": [1]}
        served = model(lambda *_: None, predict, INPUTS=tuple(numbers), OUTPUTS=(tensor("y", Datatype.INT64, "M"),))
        served(FP32=[1.5], INT64=[1], BOOL=[True])
        print(seen)
        """,
        "[False, False, False]",
    ),
    "Counting texts takes no memory for each character of the longest.": (
        """
        texts, counts = (tensor("x", Datatype.BYTES, "N"),), (tensor("y", Datatype.INT64, "M"),)
        served = model(lambda *_: None, lambda *_: {"y": [1]}, INPUTS=texts, OUTPUTS=counts)
        given = [b"a" * 100_000, *[b"a"] * 2_000]
        tracemalloc.start()
        served(x=given)
        peak = tracemalloc.get_traced_memory()[1]
        print(peak < 2**23 or peak)
        """,
        "True",
    ),
    "One text is an output without dimensions.": (
        """
        served = model(lambda *_: None, lambda *_: {"y": "abc"}, OUTPUTS=(tensor("y", Datatype.BYTES),))
        print(served())
        """,
        "{'y': b'abc'}",
    ),
    "Texts may be rows, of which there may be none.": (
        """
        rows, texts = (tensor("x", Datatype.INT64, "N"),), (tensor("y", Datatype.BYTES, "N", 2),)
        served = model(lambda *_: None, lambda self, payload: {"y": [["a", "b"]] * len(self.values(payload, "x"))},
                       INPUTS=rows, OUTPUTS=texts)
        print(served(x=[1, 2]), served(x=np.zeros(0, int)))
        """,
        "{'y': [[b'a', b'b'], [b'a', b'b']]} {'y': []}",
    ),
    "Bytes that JSON cannot hold are an error that says what to do.": (
        """
        output = ResponseOutput(name="y", datatype="BYTES", shape=[1], data=[b"\\xff"])
        try:
            as_json(InferenceResponse(model_name="m", outputs=[output]))
        except Exception as error:
            print(error)
        """,
        "Model m failed: outputs: expected UTF-8 in a JSON response, got other bytes; declare content_type base64",
    ),
}


@pytest.mark.parametrize(("code", "expected"), CASES.values(), ids=CASES.keys())
def test_values_are_what_the_declaration_says(code: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    ran = subprocess.run(
        [venv_for(RUNTIME / "requirements.txt") / "bin/python", "-c", textwrap.dedent(BEGIN) + textwrap.dedent(code)],
        capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(BASE)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().splitlines()[-1] == expected
