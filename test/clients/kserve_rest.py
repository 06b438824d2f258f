"""Calls a running server with the V2 REST client of KServe's Python SDK.

Usage: kserve_rest.py http://HOST:PORT. The server has the shipped model iris.
"""

import asyncio
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

FEATURES = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], dtype=np.float32)


async def main(url):
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url)
    assert await client.is_server_ready(url)
    assert await client.is_model_ready(url, "iris")
    for binary in (False, True):
        tensor = InferInput("features", list(FEATURES.shape), "FP32")
        tensor.set_data_from_numpy(FEATURES, binary_data=binary)
        parameters = {"binary_data_output": binary}
        request = InferRequest("iris", [tensor], request_id="a-1", parameters=parameters)
        response = await client.infer(url, request, model_name="iris")
        assert (response.model_name, response.id) == ("iris", "a-1"), response
        label, probabilities = (output.as_numpy() for output in response.outputs)
        assert label.tolist() == [0, 2], label
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    await client.close()


asyncio.run(main(sys.argv[1]))
