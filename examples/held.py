"""A held answer: the client gets the holding message at once and reads the answer later, when a person has decided."""

import os

import httpx
from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8400/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "your upstream's key"),
)
answer = client.chat.completions.create(
    model="your-model",
    messages=[{"role": "user", "content": "I take isosorbide mononitrate. May I take sildenafil 50 mg?"}],
    extra_body={"wardround": {"audience": "patient"}},
)
about = (answer.model_extra or {})["wardround"]
print(f"{about['status']}: {answer.choices[0].message.content}")
round_id = about["round_id"]
later = httpx.get(f"{client.base_url}rounds/{round_id}", trust_env=False).json()
print(f"{later['status']}: {later['answer'] or later['message']}")
print(f"decide on it: wardround review show {round_id}")
