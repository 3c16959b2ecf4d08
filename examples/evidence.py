"""Evidence beside the question: each claim of the answer with its passage, and those that none bears out."""

import os

from openai import OpenAI

PASSAGES = [
    {"id": "leaflet-1", "text": "High blood pressure seldom causes symptoms. It is found by measuring."},
    {"id": "leaflet-2", "text": "Eating less salt, regular walks and drinking less alcohol lower the blood pressure."},
]
client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8400/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "your upstream's key"),
)
answer = client.chat.completions.create(
    model="your-model",
    messages=[{"role": "user", "content": "Please explain high blood pressure to me."}],
    extra_body={"wardround": {"audience": "clinician", "evidence": PASSAGES}},
)
text = answer.choices[0].message.content or ""
about = (answer.model_extra or {})["wardround"]
for claim in about["citations"]:
    sources = ", ".join(f"[{c['marker']}] {c['source']}" for c in claim["citations"])
    span = claim["span"]
    print(f"{sources}: {text[span['start'] : span['end']]}")
for finding in about["findings"]:
    if finding["kind"] == "claim_unsupported":
        print(f"no source: {text[finding['span']['start'] : finding['span']['end']]}")
print("the same for passages of the store: wardround evidence import FILE")
