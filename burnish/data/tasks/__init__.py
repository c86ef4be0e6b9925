"""All tasks a recipe can name."""

from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.svamp import SvampTask

TaskConfig: TypeAlias = Annotated[ArithmeticTask | SvampTask, Field(discriminator="type")]
