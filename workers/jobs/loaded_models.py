"""Loading of all declared models, once a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.parallel import use_threads
from models.registry.earth_tables import load_earths
from models.registry.inference import OnnxModel, choose_provider
from models.registry.store import open_store
from models.seismic.source.greens_tables import GreensTables
from models.specs.index import MODELS
from workers.settings import Settings


@dataclass(frozen=True)
class LoadedModels:
    """All declared models by name, the execution provider that runs them, and the Earth models of the source inversion by name."""

    models: Mapping[str, OnnxModel]
    provider: str
    earths: Mapping[str, GreensTables]

    def versions(self) -> dict[str, str]:
        """Return the version of each model by name."""
        return {name: model.version for name, model in self.models.items()}


def load_models(settings: Settings) -> LoadedModels:
    """
    Load and verify every declared model, on `settings.threads` threads, and the tables of Green's functions, if there are any.

    Raises what `Store.verify`, `load_earths` and `choose_provider` raise.
    """
    use_threads(settings.threads)
    store, provider = open_store(settings.artifacts_dir), choose_provider(settings.execution_provider)
    opened = {spec.name: OnnxModel.load(store, spec, provider, settings.threads) for spec in MODELS}
    return LoadedModels(MappingProxyType(opened), provider, load_earths(settings.artifacts_dir))
