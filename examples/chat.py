"""Ask through the proxy with the openai client: only the base URL differs. `python examples/chat.py`."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8400/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "your upstream's key"),
)
answer = client.chat.completions.create(
    model="your-model",
    messages=[{"role": "user", "content": "How far apart should levothyroxine and calcium tablets be taken?"}],
    extra_body={"wardround": {"audience": "patient", "patient": {"medications": ["levothyroxine 100 mcg"]}}},
)
about = (answer.model_extra or {})["wardround"]
print(answer.choices[0].message.content)
print(f"{about['action']}, {about['status']}, round {about['round_id']}")
for finding in about["findings"]:
    print(f"- {finding['severity']} {finding['kind']}: {finding['message']}")
