"""The models of a worker: verified and held open."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.parallel import use_threads
from models.registry.inference import OnnxModel, choose_provider
from models.registry.store import open_store
from models.specs.index import MODELS
from workers.settings import Settings


@dataclass(frozen=True)
class LoadedModels:
    """Every declared model by name, and the execution provider that runs them."""

    models: Mapping[str, OnnxModel]
    provider: str

    def versions(self) -> dict[str, str]:
        """Name to version."""
        return {name: model.version for name, model in self.models.items()}


def load_models(settings: Settings) -> LoadedModels:
    """Open every declared model, and compute on `threads` threads; raises what `Store.verify` and `choose_provider` raise."""
    use_threads(settings.threads)
    store, provider = open_store(settings.artifacts_dir), choose_provider(settings.execution_provider)
    opened = {spec.name: OnnxModel.load(store, spec, provider, settings.threads) for spec in MODELS}
    return LoadedModels(MappingProxyType(opened), provider)
