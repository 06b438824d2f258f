"""Sends a running server pictures and texts with Triton's HTTP client, and fails where an answer is not what it has to be.

Usage: triton_declared.py HOST:PORT PICTURE. The server has the models digits (shipped), whose picture is a three, and
embedder, a small model of sentences.
"""

import base64
import sys

import numpy as np
import tritonclient.http as http


def elements(name, values, binary):
    tensor = http.InferInput(name, [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=np.object_), binary_data=binary)
    return tensor


def main(address, path):
    client = http.InferenceServerClient(address)
    with open(path, "rb") as file:
        picture = file.read()

    declared = client.get_model_metadata("digits")["inputs"][0]
    assert declared["name"] == "picture" and declared["parameters"]["content_type"] == "image", declared
    for given in (elements("picture", [picture] * 2, True), elements("picture", [base64.b64encode(picture)] * 2, False)):
        for binary in (True, False):
            wanted = [http.InferRequestedOutput(name, binary_data=binary) for name in ("digit", "digit.scores")]
            result = client.infer("digits", [given], outputs=wanted, parameters={"top_k": 2})
            labels = result.as_numpy("digit").astype(str)
            assert labels.shape == (2, 2) and set(labels[:, 0]) <= {"3", "b'3'"}, labels
            assert (result.as_numpy("digit.scores")[:, 0] > 0.99).all()

    for binary in (True, False):
        given = elements("text", ["né".encode(), b"a cat"], binary)
        vectors = client.infer("embedder", [given], outputs=[http.InferRequestedOutput("embedding")]).as_numpy("embedding")
        assert vectors.dtype == np.float32 and vectors.shape[0] == 2, vectors
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    columns = {"petal_width": [0.2, 2.3], "petal_length": [1.4, 5.2], "sepal_width": [3.5, 3.0], "sepal_length": [5.1, 6.7]}
    for binary in (True, False):
        frame = []
        for name, values in columns.items():
            frame.append(http.InferInput(name, [len(values)], "FP64"))
            frame[-1].set_data_from_numpy(np.array(values), binary_data=binary)
        result = client.infer("iris", frame, parameters={"content_type": "pd", "top_k": 1})
        assert [str(label).strip("b'") for label in result.as_numpy("species")[:, 0]] == ["setosa", "virginica"], result
    print("declared")


main(*sys.argv[1:])
