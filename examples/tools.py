"""Tool calls pass through: their arguments are checked as text on a channel of their own before they leave."""

import json
import os

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageFunctionToolCall, ChatCompletionToolParam

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8400/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "your upstream's key"),
)
lookup: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "lookup_label",
        "description": "Look up a section of a drug's label",
        "parameters": {
            "type": "object",
            "properties": {"drug": {"type": "string"}, "section": {"type": "string"}},
            "required": ["drug", "section"],
        },
    },
}
answer = client.chat.completions.create(
    model="your-model",
    messages=[{"role": "user", "content": "Look up the label of metformin, section kidney."}],
    tools=[lookup],
)
for call in answer.choices[0].message.tool_calls or ():
    if isinstance(call, ChatCompletionMessageFunctionToolCall):
        print(call.function.name, json.loads(call.function.arguments))
receipt = (answer.model_extra or {})["wardround"]["receipt"]
for check in receipt["checks"]:
    print(f"- {check['agent']} {check['phase']} {check['status']}: {', '.join(check['channels'])}")
