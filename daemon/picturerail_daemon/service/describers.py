"""From the settings to the describers, to who may describe what, and to what texts are compared.

What a source needs is imported only where the settings name the source: the HTTP client alone
takes 10 MB that a daemon without a service need not have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from picturerail_config.settings import Azure, Describe, Onnx, OpenAi, Settings
from picturerail_daemon.describe.budget import Budget
from picturerail_daemon.describe.interface import Describer, TextEncoder
from picturerail_daemon.describe.local import LocalDescriber
from picturerail_daemon.describe.sidecar import SidecarDescriber
from picturerail_daemon.errors import UsageError
from picturerail_daemon.service.places import Layout
from picturerail_exporter.rules import folder_parts, matches
from picturerail_native.records import ImageRow

if TYPE_CHECKING:
    from picturerail_daemon.describe.client import Client
    from picturerail_daemon.describe.clip import Clip


def make_describers(settings: Settings, layout: Layout) -> list[Describer]:
    """Return the configured describers, in the order of the configuration.

    Raises:
        UsageError: a source lacks what it needs.
    """
    describe = settings.describe
    makers: dict[str, Callable[[], Describer]] = {
        "sidecar": SidecarDescriber,
        "local": lambda: LocalDescriber(
            threshold=describe.local.threshold,
            threads=describe.local.threads,
            cache=layout.models,
        ),
        "onnx": lambda: _onnx(describe.onnx, layout),
        "azure": lambda: _azure(describe.azure, layout),
        "openai": lambda: _openai(describe.openai, layout),
    }
    return [makers[name]() for name in dict.fromkeys(describe.sources)]


def may_describe(
    describe: Describe, root_names: Mapping[int, str]
) -> Callable[[ImageRow, str], bool]:
    """Return what tells whether a source may be asked about a picture.

    Args:
        describe: its rules; the last one that names a picture's folder counts.
        root_names: the watched folders' names by id.
    """

    def may(row: ImageRow, source: str) -> bool:
        folder = folder_parts(row, root_names.get(row.root, ""))
        for rule in reversed(describe.rules):
            if matches(rule.folders, folder):
                return source in rule.sources
        return True

    return may


def own_text_encoder(settings: Settings, layout: Layout) -> Clip | None:
    """Return what gives texts vectors among the pictures' own on this machine, if anything does."""
    describe = settings.describe
    return (
        _clip(describe.onnx, layout) if "onnx" in describe.sources and describe.onnx.clip else None
    )


def text_encoders(settings: Settings, layout: Layout) -> list[TextEncoder]:
    """Return what gives a query a vector among the pictures' own, the best first."""
    describe, encoders = settings.describe, list[TextEncoder]()
    if clip := own_text_encoder(settings, layout):
        encoders.append(clip)
    if "azure" in describe.sources and describe.azure.embeddings:
        from picturerail_daemon.describe.azure import AzureTextEncoder

        azure = describe.azure
        encoders.append(
            AzureTextEncoder(endpoint=azure.endpoint, client=_azure_client(azure, layout))
        )
    return encoders


def _azure(azure: Azure, layout: Layout) -> Describer:
    if not azure.endpoint:
        raise UsageError("`describe.azure.endpoint` must be given when `sources` names azure")
    from picturerail_daemon.describe.azure import AzureDescriber

    return AzureDescriber(
        endpoint=azure.endpoint,
        client=_azure_client(azure, layout),
        api=azure.api,
        threshold=azure.threshold,
        embeddings=azure.embeddings,
    )


def _azure_client(azure: Azure, layout: Layout) -> Client:
    from picturerail_daemon.describe.client import Client

    key = _key("azure", azure.key_file, azure.key_environment)
    if not key:
        raise UsageError(
            "no key for azure: set `describe.azure.key_file` or the environment variable "
            f"{azure.key_environment}"
        )
    return Client(
        {"Ocp-Apim-Subscription-Key": key},
        timeout_seconds=azure.timeout_seconds,
        budget=Budget(azure.daily_requests, layout.budgets / "azure.json"),
    )


def _openai(openai: OpenAi, layout: Layout) -> Describer:
    if not (openai.endpoint and openai.model):
        raise UsageError(
            "`describe.openai.endpoint` and `describe.openai.model` must be given when `sources` "
            "names openai"
        )
    from picturerail_daemon.describe.client import Client
    from picturerail_daemon.describe.openai import OpenAiDescriber

    key = _key("openai", openai.key_file, openai.key_environment)
    client = Client(
        {"Authorization": f"Bearer {key}"} if key else {},
        timeout_seconds=openai.timeout_seconds,
        budget=Budget(openai.daily_requests, layout.budgets / "openai.json"),
    )
    return OpenAiDescriber(endpoint=openai.endpoint, model=openai.model, client=client)


def _onnx(onnx: Onnx, layout: Layout) -> Describer:
    from picturerail_daemon.describe.onnx import OnnxDescriber
    from picturerail_daemon.describe.onnx_classifier import OnnxClassifier

    if (onnx.model is None) != (onnx.labels is None):
        raise UsageError("`describe.onnx.model` and `describe.onnx.labels` go together")
    if onnx.model is None and not onnx.clip:
        raise UsageError(
            "`describe.onnx.model` with `labels`, or `describe.onnx.clip`, must be given when "
            "`sources` names onnx"
        )
    files: list[Path] = []
    classifier = None
    if onnx.model is not None and onnx.labels is not None:
        files += [onnx.model, onnx.labels]
        classifier = OnnxClassifier(
            model=onnx.model,
            labels=onnx.labels,
            threshold=onnx.threshold,
            scores=onnx.scores,
            mean=onnx.mean,
            std=onnx.std,
            threads=onnx.threads,
        )
    clip = _clip(onnx, layout) if onnx.clip else None
    if clip is not None:
        files.append(clip.vision)
    return OnnxDescriber(classifier, clip, files)


def _clip(onnx: Onnx, layout: Layout) -> Clip:
    from picturerail_daemon.describe.clip import Clip
    from picturerail_daemon.describe.models import registered

    is_own = "/" in onnx.clip
    folder = Path(onnx.clip) if is_own else layout.models / onnx.clip
    known = None if is_own else registered().get(onnx.clip)
    digests = {file.name: file.sha256 for file in known.files} if known else {}
    return Clip(folder, least=onnx.least_similarity, threads=onnx.threads, digests=digests)


def _key(source: str, file: Path | None, environment: str) -> str:
    if file is None:
        return os.environ.get(environment, "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{file}: the key in `describe.{source}.key_file` cannot be read: {reason}"
        ) from error
