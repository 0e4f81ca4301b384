"""What can be wrong with seismic data, in the words of the field; these errors know no HTTP."""


class AtlasError(Exception):
    """
    A failure that a user can understand and act on.

    `code` is stable and machine-readable; `part` names the file, archive member or trace at fault, where there is one.
    """

    code = "error"

    def __init__(self, detail: str, *, part: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.part = part


class UnusableData(AtlasError):
    """Readable request, data that cannot serve (HTTP 422 at the edge)."""

    code = "unusable-data"


class UnreadableWaveform(UnusableData):
    """A waveform part that is not miniSEED after all, or is damaged beyond salvage."""

    code = "unreadable-waveform"


class UnreadableMetadata(UnusableData):
    """A StationXML or stations.csv that cannot be understood."""

    code = "unreadable-metadata"


class UnreadableArchive(UnusableData):
    """An archive that is damaged, or holds members that are refused (links, absolute paths, archives in archives)."""

    code = "unreadable-archive"


class UnsupportedPart(AtlasError):
    """A part that is none of the accepted kinds (HTTP 415)."""

    code = "unsupported-part"


class NoUsableTrace(UnusableData):
    """Not one vertical record with enough live samples."""

    code = "no-usable-trace"


class TooFewStations(UnusableData):
    """Fewer stations with coordinates and a readable offset than the task needs."""

    code = "too-few-stations"


class TooFewEvents(UnusableData):
    """Fewer events than there are families to look for."""

    code = "too-few-events"


class LimitExceeded(AtlasError):
    """Over a byte, file, trace, sample, span or expansion limit (HTTP 413)."""

    code = "limit-exceeded"


class StyleMismatch(AtlasError):
    """An artifact was trained on pictures drawn in another style than the one declared."""

    code = "style-mismatch"


class UnknownModel(AtlasError):
    """No model of that name is declared, or its artifact is missing."""

    code = "unknown-model"


class DamagedArtifact(AtlasError):
    """An artifact whose bytes differ from the digest on its card."""

    code = "damaged-artifact"
