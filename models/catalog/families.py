"""Which unlabelled events resemble each other?"""

from models.catalog.pictures import DISTANCE_SECTION
from models.catalog.spec import ModelSpec, Output

EMBEDDING_SIZE = 32

FAMILIES = ModelSpec(
    name="families",
    task="Embed the record section of an unlabelled event so that events of one kind lie close together.",
    style=DISTANCE_SECTION,
    architecture="resnet50",
    outputs=(
        Output(name="embedding", shape=(EMBEDDING_SIZE,), unit="1", meaning="whitened principal components of the trunk, unit length"),
    ),
    citation="Caron et al. 2018, Deep clustering for unsupervised learning of visual features, arXiv:1807.05520",
)
