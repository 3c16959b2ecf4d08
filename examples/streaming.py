"""Stream through the proxy: sentences arrive checked, the last chunk says what was found."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8400/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "your upstream's key"),
)
stream = client.chat.completions.create(
    model="your-model",
    messages=[{"role": "user", "content": "Please explain high blood pressure to me."}],
    stream=True,
)
about = None
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
    about = (chunk.model_extra or {}).get("wardround") or about
print()
print(f"{about['action']}, {about['status']}" if about else "the stream ended without a verdict")
