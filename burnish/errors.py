"""One exception class per boundary. Every message says what was found, where, and what to do."""

from __future__ import annotations


class BurnishError(Exception):
    """Base of all errors a user can cause or mend. The command line prints it as one paragraph."""


class ConfigError(BurnishError):
    """A recipe, an override or a combination of settings is wrong."""


class DataError(BurnishError):
    """A data file is missing or a row in it cannot be used; names file and line."""


class ModelError(BurnishError):
    """A model or tokenizer cannot be loaded or does not fit its use."""


class GraderError(BurnishError):
    """Too many samples could not be graded, or a grader is unusable."""


class SandboxError(BurnishError):
    """The sandbox itself cannot work (a program that fails in it is not an error)."""


class EngineError(BurnishError):
    """Sampling is impossible as asked: prompt too long, engine down."""


class CheckpointError(BurnishError):
    """A checkpoint or run folder cannot be read or written."""


class NonFiniteError(BurnishError):
    """A loss or gradient is not finite; raised before the optimizer step."""
