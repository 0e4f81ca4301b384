"""Every setting of the service in one place: name, unit, default, meaning. Read when called, never at import."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment with the prefix ATLAS_ (REDIS_URL also without it)."""

    model_config = SettingsConfigDict(env_prefix="ATLAS_", env_nested_delimiter="__", extra="ignore")

    # where things lie
    data_dir: Path = Field(Path("data"), description="folder of the embedded queue server, blobs and results")
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="a Redis-protocol server; none: an embedded one in data_dir",
    )
    blob_url: str | None = Field(None, description="fsspec URL for uploads and results (file, s3, ...); none: data_dir/blobs")
    artifacts_dir: Path = Field(Path("models/artifacts"), description="read-only folder of model artifacts")

    # workers
    workers: int = Field(1, ge=0, description="worker processes supervised by `python -m app` or `python -m workers`")
    threads: int = Field(2, ge=1, description="intra-op threads of ONNX Runtime in a worker")
    execution_provider: str = Field("auto", description="auto, cpu or cuda")
    heartbeat_s: float = Field(3.0, gt=0, description="seconds between a worker's heartbeats")
    heartbeat_ttl_s: float = Field(12.0, gt=0, description="seconds after which a silent worker counts as dead")
    max_attempts: int = Field(3, ge=1, description="how often a job is begun before it fails for good")
    job_timeout_s: int = Field(900, ge=1, description="seconds a job may run")
    store_patience_s: float = Field(120.0, ge=0, description="seconds a job waits for a blob store that fails before it fails itself")

    # lifetimes
    result_ttl_s: int = Field(7 * 86400, ge=1, description="seconds a finished job, its result and figures are kept")
    idempotency_ttl_s: int = Field(86400, ge=1, description="seconds an Idempotency-Key is remembered")

    # limits of an upload; 413 over them
    max_body_bytes: int = Field(256 * 2**20, ge=1, description="bytes of one request body")
    max_parts: int = Field(10_000, ge=1, description="parts of one multipart body")
    max_files: int = Field(20_000, ge=1, description="files of one bundle, archive members counted in")
    max_expansion_ratio: float = Field(200.0, gt=1, description="unpacked bytes over packed bytes of an archive")
    max_unpacked_bytes: int = Field(1024 * 2**20, ge=1, description="unpacked bytes of one bundle")
    max_metadata_bytes: int = Field(64 * 2**20, ge=1, description="bytes of one StationXML or stations.csv, unpacked")
    max_traces: int = Field(2_000, ge=1, description="channels of one event")
    max_segments: int = Field(5_000, ge=1, description="continuous segments of one event")
    max_samples: int = Field(200_000_000, ge=1, description="decoded samples of one bundle")
    max_span_s: float = Field(6 * 3600.0, gt=0, description="seconds from the first to the last sample of one event")
    max_events: int = Field(10_000, ge=1, description="events of one clustering")

    # the child that parses
    reader_memory_bytes: int = Field(3 * 2**30, ge=1, description="address space of the parsing process")
    reader_cpu_s: int = Field(60, ge=1, description="CPU seconds of the parsing process")
    reader_wall_s: float = Field(120.0, gt=0, description="wall-clock seconds of the parsing process")

    # the API
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    max_queued: int = Field(1_000, ge=1, description="jobs waiting before 503 is answered")
    max_wait_s: float = Field(120.0, ge=0, description="longest Prefer: wait or ?wait honored")
    max_body_s: float = Field(900.0, gt=0, description="seconds for a request body to arrive")

    # who may do what; 429 over the limits of an owner
    keys_file: Path | None = Field(None, description="API keys, written by `python -m app keys`; none: keys.json in data_dir")
    max_requests_per_minute: int = Field(1_200, ge=1, description="requests of one owner")
    max_submissions_per_minute: int = Field(120, ge=1, description="submissions of one owner")
    max_requests_at_once: int = Field(64, ge=1, description="requests of one owner in progress, waits and event streams counted in")
    max_unfinished_jobs: int = Field(200, ge=1, description="jobs of one owner that wait or run")

    # families
    cluster_starts: int = Field(10, ge=1, description="k-means starts for each k")
    fine_tune_workers: int = Field(0, ge=0, description="worker processes that train on uploads, beside `workers`; 0: not offered")
    fine_tune_timeout_s: int = Field(3600, ge=1, description="seconds a job may run that trains on its upload")
    fine_tune_rounds: int = Field(8, ge=1, description="rounds of DeepCluster for each k")
    max_fine_tune_events: int = Field(1_000, ge=1, description="events of one clustering that trains on them; 413 over it")
