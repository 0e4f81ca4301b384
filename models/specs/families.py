"""The families model: embed unlabeled events such that similar sources are close to each other."""

from models.specs.pictures import SOURCE
from models.specs.spec import ModelSpec, Output

EMBEDDING_SIZE = 32
CENTERS = 24

FAMILIES = ModelSpec(
    name="families",
    task="Embed what the records of an unlabelled event have in common so that events of one kind lie close together.",
    style=SOURCE,
    architecture="laplacian kernel",
    outputs=(
        Output(
            name="embedding",
            shape=(EMBEDDING_SIZE,),
            unit="1",
            meaning="what the source is like, as read off the picture: duration, depth, force, isotropic, spectrum; unit length",
        ),
        Output(name="similarities", shape=(CENTERS,), unit="1", meaning="cosine of the embedding with each center of the training events"),
    ),
    citation="Saunders et al. 1998, Ridge regression learning algorithm in dual variables; "
    "Caron et al. 2018, Deep clustering, arXiv:1807.05520",
)
