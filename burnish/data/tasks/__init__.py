"""All tasks a recipe can name."""

from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.feedback_rows import FeedbackRowsTask
from burnish.data.tasks.gsm8k import Gsm8kTask
from burnish.data.tasks.humaneval import HumanevalTask
from burnish.data.tasks.math500 import Math500Task
from burnish.data.tasks.mathqa import MathqaTask
from burnish.data.tasks.mbpp import MbppTask
from burnish.data.tasks.mbpp_repair import MbppRepairTask
from burnish.data.tasks.replies import RepliesTask
from burnish.data.tasks.rows import RowsTask
from burnish.data.tasks.scibench import ScibenchTask
from burnish.data.tasks.svamp import SvampTask

AnyTask: TypeAlias = (
    SvampTask
    | Gsm8kTask
    | MathqaTask
    | Math500Task
    | ArithmeticTask
    | MbppTask
    | MbppRepairTask
    | HumanevalTask
    | ScibenchTask
    | RepliesTask
    | FeedbackRowsTask
    | RowsTask
)
TaskConfig: TypeAlias = Annotated[AnyTask, Field(discriminator="type")]
