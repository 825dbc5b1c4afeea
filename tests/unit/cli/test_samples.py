"""Requests that are made up from a model's metadata; that they work when pasted is tried in tests/runtime."""

import json
import shlex

from cli.samples import curl_line, python_line, sample

INPUTS = [
    {"name": "text", "datatype": "BYTES", "shape": [-1]},
    {"name": "pixels", "datatype": "FP32", "shape": [-1, 2, 2]},
    {"name": "flag", "datatype": "BOOL", "shape": [1]},
]


def test_there_is_one_element_for_each_size_that_the_caller_picks() -> None:
    assert sample(INPUTS, "hey") == {
        "inputs": [
            {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["hey"]},
            {"name": "pixels", "datatype": "FP32", "shape": [1, 2, 2], "data": [1, 1, 1, 1]},
            {"name": "flag", "datatype": "BOOL", "shape": [1], "data": [True]},
        ]
    }


def test_no_text_gets_out_of_its_quotes() -> None:
    text = """It's "so" $HOME `id` \\ 😀 \n!"""
    request = sample(INPUTS[:1], text)
    *_, body = shlex.split(curl_line(1, "m", request))
    assert json.loads(body) == request
    assert "/v2/models/my%20model/infer" in shlex.split(curl_line(1, "my model", request))[2]
    python, flag, code = shlex.split(python_line(".venv/bin/python", 1, "m", request))
    assert (python, flag) == (".venv/bin/python", "-c")
    compile(code, "pasted", "exec")
    assert f"np.array([{json.dumps(text, ensure_ascii=False)}], dtype=np.object_)" in code
