"""
Failures that a user or operator can understand and act on. They know no HTTP; `workers.problems` translates them.

AtlasError
  UnusableData              422  the request is readable, its data cannot be used
    UnreadableWaveform      422
    UnreadableMetadata      422
    UnreadableArchive       422
    NoUsableTrace           422
    TooFewStations          422
    TooFewEvents            422
  UnsupportedPart           415  a file of none of the accepted kinds
  LimitExceeded             413  more data than the service accepts
  UnknownModel              404
  StyleMismatch             500  an artifact does not fit the code
  DamagedArtifact           500
"""


class AtlasError(Exception):
    """
    A failure with a text for the user.

    `code` is stable and machine-readable; `part` names the file, archive member, trace or model concerned, if there is one.
    """

    code = "error"

    def __init__(self, detail: str, *, part: str | None = None) -> None:
        """Make an error whose `detail` says what was found."""
        super().__init__(detail)
        self.detail = detail
        self.part = part


class UnusableData(AtlasError):
    """Data that cannot be used for the task."""

    code = "unusable-data"


class UnreadableWaveform(UnusableData):
    """A waveform file that is not miniSEED, or is damaged such that no record can be read."""

    code = "unreadable-waveform"


class UnreadableMetadata(UnusableData):
    """A StationXML document or stations.csv that cannot be parsed."""

    code = "unreadable-metadata"


class UnreadableArchive(UnusableData):
    """An archive that is damaged, or contains members that are refused (links, absolute paths, archives)."""

    code = "unreadable-archive"


class UnsupportedPart(AtlasError):
    """A file of none of the accepted kinds."""

    code = "unsupported-part"


class NoUsableTrace(UnusableData):
    """No vertical record with enough live samples."""

    code = "no-usable-trace"


class TooFewStations(UnusableData):
    """Fewer stations with coordinates and a predicted distance than the task needs."""

    code = "too-few-stations"


class TooFewEvents(UnusableData):
    """Fewer distinct events than clusters to look for."""

    code = "too-few-events"


class LimitExceeded(AtlasError):
    """More bytes, files, traces, samples, time span or decompressed data than the service accepts."""

    code = "limit-exceeded"


class StyleMismatch(AtlasError):
    """An artifact that was trained on pictures of another style, or has other outputs, than declared."""

    code = "style-mismatch"


class UnknownModel(AtlasError):
    """A model that is not declared, or has no artifact."""

    code = "unknown-model"


class DamagedArtifact(AtlasError):
    """An artifact whose bytes differ from the digest on its card, or whose folder or card is invalid."""

    code = "damaged-artifact"
