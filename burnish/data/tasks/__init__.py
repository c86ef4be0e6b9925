"""The tasks a recipe can name."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.svamp import SvampTask

AnyTask: TypeAlias = SvampTask | ArithmeticTask
TaskConfig: TypeAlias = Annotated[AnyTask, Field(discriminator="type")]
