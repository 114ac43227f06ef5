"""The exceptions of the whole project.

    LinewatchError                  a sentence for people, and the exit code of the command
    ├── ConfigurationError          config.yaml or the environment is wrong        exit 2
    ├── ChainError                  records, their chain or their seal do not hold exit 1
    ├── TokenError                  a request's token is not good                  exit 1
    └── (each package adds its own below this line, none beside it)

Errors of libraries and of the system are translated at the boundary where they occur.
"""


class LinewatchError(Exception):
    """What went wrong, where, and what to do, in a sentence for people."""

    exit_code = 1


class ConfigurationError(LinewatchError):
    """The configuration cannot be used."""

    exit_code = 2


class TokenError(LinewatchError):
    """A request's token is missing, malformed, expired or not signed by its probe."""
