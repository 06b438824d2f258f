"""Calls a running server with Triton's HTTP client, and fails where an answer is not what it has to be.

Usage: triton.py HOST:PORT. The server has the models iris (shipped) and text (BYTES [N] and their number).
"""

import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

FEATURES = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], dtype=np.float32)
MANY = np.tile(FEATURES, (500, 1))
TEXTS = np.array(["né".encode(), b"", b"a" * 300], dtype=np.object_)


def features(rows, binary):
    tensor = http.InferInput("features", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return [tensor]


def outputs(binary):
    return [http.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]


def check_iris(result, rows):
    labels, probabilities = result.as_numpy("label"), result.as_numpy("probabilities")
    assert labels.dtype == np.int64 and labels.tolist() == [0, 2] * (len(rows) // 2), labels[:9]
    assert probabilities.dtype == np.float32 and probabilities.shape == (len(rows), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), labels)


def server_and_models(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("iris") and client.is_model_ready("iris", "1")
    assert not client.is_model_ready("nobody")
    metadata = client.get_server_metadata()
    assert metadata["name"] == "Nestor" and "binary_tensor_data" in metadata["extensions"], metadata
    for version in ("", "1"):
        model = client.get_model_metadata("iris", version)
        assert model["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, 4]}], model
        assert client.get_model_config("iris", version)["name"] == "iris"


def inference(client):
    for binary_in in (True, False):
        for binary_out in (True, False):
            for rows in (FEATURES, MANY):
                given = features(rows, binary_in)
                check_iris(client.infer("iris", given, outputs=outputs(binary_out)), rows)
    result = client.infer("iris", features(FEATURES, True), model_version="1", request_id="a-1", timeout=20_000_000)
    response = result.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == ("iris", "1", "a-1"), response
    check_iris(result, FEATURES)
    only = client.infer("iris", features(FEATURES, True), outputs=outputs(True)[:1])
    assert only.as_numpy("probabilities") is None


def compression(client):
    for request in (None, "gzip", "deflate"):
        for response in (None, "gzip", "deflate"):
            for binary in (True, False):
                result = client.infer(
                    "iris",
                    features(MANY, binary),
                    outputs=outputs(binary),
                    request_compression_algorithm=request,
                    response_compression_algorithm=response,
                )
                check_iris(result, MANY)


def texts(client):
    for binary in (True, False):
        tensor = http.InferInput("text", [len(TEXTS)], "BYTES")
        tensor.set_data_from_numpy(TEXTS, binary_data=binary)
        result = client.infer("text", [tensor], outputs=[http.InferRequestedOutput("same", binary_data=binary)])
        same = [text if isinstance(text, bytes) else text.encode() for text in result.as_numpy("same")]
        assert same == TEXTS.tolist(), same


def at_once(client):
    calls = [client.async_infer("iris", features(FEATURES, True), request_id=str(i)) for i in range(40)]
    for i, call in enumerate(calls):
        result = call.get_result()
        assert result.get_response()["id"] == str(i)
        check_iris(result, FEATURES)


def repository(client):
    def states():
        return {model["name"]: model["state"] for model in client.get_model_repository_index()}

    assert states() == {"iris": "READY", "text": "READY"}, states()
    client.unload_model("text")
    assert states()["text"] == "UNAVAILABLE" and not client.is_model_ready("text")
    client.load_model("text")
    assert states()["text"] == "READY" and client.is_model_ready("text")
    client.load_model("text")
    texts(client)


def faults(client):
    for model, tensors, word in (
        ("nobody", features(FEATURES, True), "nobody"),
        ("iris", features(FEATURES[:, :3].copy(), True), "features"),
    ):
        try:
            client.infer(model, tensors)
        except InferenceServerException as error:
            assert word in error.message(), error
        else:
            raise AssertionError(f"{model} took it")


def statistics(client):
    def count():
        (model,) = client.get_inference_statistics("iris", "1")["model_stats"]
        assert (model["name"], model["version"]) == ("iris", "1"), model
        return model["inference_stats"]["success"]["count"], model["inference_count"]

    calls, rows = count()
    for _ in range(10):
        client.infer("iris", features(FEATURES, True))
    assert count() == (calls + 10, rows + 20), (calls, rows, count())
    names = {model["name"] for model in client.get_inference_statistics()["model_stats"]}
    assert names == {"iris", "text"}, names


def main(address):
    client = http.InferenceServerClient(address, concurrency=8)
    for step in (server_and_models, inference, compression, texts, at_once, repository, faults, statistics):
        step(client)
        print(step.__name__)
    client.close()


main(sys.argv[1])
