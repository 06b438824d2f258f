"""OpenAI's own client against a server with the model `embedder`; its argument is the server's URL."""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)

texts = ["the quick fox", "hello"]
answer = client.embeddings.create(model="embedder", input=texts)
plain = client.embeddings.create(model="embedder", input=texts, encoding_format="float")
assert [item.index for item in answer.data] == [0, 1]
for one, other in zip(answer.data, plain.data):
    assert len(one.embedding) == 8
    assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding))
    assert abs(sum(x * x for x in one.embedding) - 1) < 1e-5
assert answer.usage.prompt_tokens == plain.usage.prompt_tokens > 6
assert len(client.embeddings.create(model="embedder", input="fox", dimensions=3).data[0].embedding) == 3
assert "embedder" in [model.id for model in client.models.list()]
assert client.models.retrieve("embedder").object == "model"

try:
    client.embeddings.create(model="nobody", input="x")
    raise AssertionError("a model that is not there")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error

# Token ids are those of the model's own tokenizer.
of_ids = client.embeddings.create(model="embedder", input=[[1, 2, 3], [1, 2]])
assert len(of_ids.data) == 2 and of_ids.usage.prompt_tokens == 5, of_ids.usage
try:
    client.embeddings.create(model="embedder", input=[[1, 99_999]])
    raise AssertionError("a token id that the model does not have")
except openai.BadRequestError as error:
    assert "token id 99999" in str(error), error

print("well")
