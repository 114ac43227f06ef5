"""The probe's own exceptions.

LinewatchError
├── MeasurementError     (probe.engine) a measurement could not be made   exit 3
├── IdentityError        the key or the enrolment cannot be used          exit 4
├── CollectorError       the collector did not answer, or not well        exit 5
│   ├── NoAnswerError    no connection, a broken one, or too late
│   └── CertificateTimeError  only the times of its certificate do not fit
├── SpoolError           the spool cannot take or give records now        exit 6
├── AgentRunningError    another agent holds the state directory          exit 7
├── AgentAwayError       no agent answers on this device                  exit 8
├── NoPathError          there is no path to measure                      exit 9
├── NotAcceptedError     something is to be mended before certifying      exit 10
└── BelowContractError   certified, but for less than the contract        exit 11
"""

from protocol.errors import LinewatchError


class IdentityError(LinewatchError):
    """The probe's key or enrolment is missing, damaged or open to others."""

    exit_code = 4


class CollectorError(LinewatchError):
    """The collector did not answer, or its answer cannot be used."""

    exit_code = 5


class NoAnswerError(CollectorError):
    """No connection to the collector, a broken one, or no answer in time."""


class CertificateTimeError(CollectorError):
    """The collector's certificate is trusted, but its times do not fit this device's clock."""


class SpoolError(LinewatchError):
    """The spool cannot take or give records at the moment: disk full, input/output error."""

    exit_code = 6


class AgentRunningError(LinewatchError):
    """Another agent works in the same state directory, or its status port is taken.

    Not an error of the configuration: what holds it may be about to end, and a service manager
    should try again.
    """

    exit_code = 7


class AgentAwayError(LinewatchError):
    """No agent answers on this device's status page."""

    exit_code = 8


class NoPathError(LinewatchError):
    """There is no path that could be measured now."""

    exit_code = 9


class NotAcceptedError(LinewatchError):
    """The acceptance test found something that has to be mended first."""

    exit_code = 10


class BelowContractError(LinewatchError):
    """The device is certified, but in some direction for less than the contract promises."""

    exit_code = 11
