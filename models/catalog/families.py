"""Which unlabelled events resemble each other?"""

from models.catalog.pictures import SOURCE
from models.catalog.spec import ModelSpec, Output

EMBEDDING_SIZE = 32
CENTERS = 24

FAMILIES = ModelSpec(
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
