"""Runs NeMo Guardrails' server on loopback (its own command listens on every interface). Runs in NeMo's environment."""

from __future__ import annotations

import logging
import sys

import uvicorn
from nemoguardrails.server import api

configs, name, port = sys.argv[1:4]
api.app.rails_config_path = configs
api.app.disable_chat_ui = True
api.set_default_config_id(name)
logging.disable(logging.INFO)  # it would write several lines a request
uvicorn.run(api.app, host="127.0.0.1", port=int(port), log_level="error", access_log=False)
