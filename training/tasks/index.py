"""The tasks of all models, in the order in which they are trained: the others read the predictions of the offset model."""

from training.tasks.distance import DistanceTask
from training.tasks.families import FamiliesTask
from training.tasks.sections import DEPTH_TASK, EVENT_TYPE_TASK, FORCE_AZIMUTH_TASK
from training.tasks.training_task import TrainingTask

TASKS: tuple[TrainingTask, ...] = (DistanceTask(), EVENT_TYPE_TASK, DEPTH_TASK, FORCE_AZIMUTH_TASK, FamiliesTask())


def find_task(name: str) -> TrainingTask:
    """Find the task of a model by the model's name; raises KeyError where there is none."""
    return {task.spec.name: task for task in TASKS}[name]
