"""Which unlabelled events resemble each other?"""

from models.catalog.pictures import DISTANCE_SECTION, SOURCE
from models.catalog.spec import ModelSpec, Output

EMBEDDING_SIZE = 32
CENTERS = 24

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

# What training makes since sections were found to hide what sets kinds apart (docs/families.md); takes the place of the above
# together with its weights, for a service does not start with weights of another declaration.
SOURCE_FAMILIES = ModelSpec(
    name="families",
    task="Embed what the records of an unlabelled event have in common so that events of one kind lie close together.",
    style=SOURCE,
    architecture="resnet18",
    outputs=(
        Output(
            name="embedding",
            shape=(EMBEDDING_SIZE,),
            unit="1",
            meaning="what two views of one source agree in, strongest first, unit length",
        ),
        Output(name="similarities", shape=(CENTERS,), unit="1", meaning="cosine of the embedding with each center of the training events"),
    ),
    citation="Bardes et al. 2022, VICReg, arXiv:2105.04906; Caron et al. 2018, Deep clustering, arXiv:1807.05520",
)
