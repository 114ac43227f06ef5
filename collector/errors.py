"""The collector's exceptions.

LinewatchError
└── CollectorError          the collector cannot do what was asked            exit 1
    ├── LedgerError         the ledger cannot be opened, read or written      exit 1
    │   └── LedgerBusyError   it has too much to do just now                exit 1
    │       └── CollisionError  two transactions wanted what the other had  exit 1
    ├── ArchiveError        an archive cannot be written, or is not what was      exit 1
    ├── EvidenceError       a file of evidence cannot be read, or is none       exit 1
    ├── PaperError          a paper for people cannot be made                 exit 1
    ├── CaseError           a case does not take the step, or is not there      exit 2
    ├── ReportError         what a report is asked of is not there              exit 2
    ├── StandardError       a standard's file cannot be read, or is none      exit 2
    └── RegistryError       a registry command's words do not fit the registry  exit 2
"""

from protocol.errors import LinewatchError


class CollectorError(LinewatchError):
    """The collector cannot do what was asked."""


class LedgerError(CollectorError):
    """The ledger cannot be opened, read or written; nothing was half-written."""


class LedgerBusyError(LedgerError):
    """More is to be done than the collector takes, or the database just now."""


class CollisionError(LedgerBusyError):
    """Two transactions each held what the other wanted: one was undone, and can be done again."""


class ArchiveError(CollectorError):
    """An archive or a backup cannot be written or read, or is not what was written."""


class PaperError(CollectorError):
    """A letter, a page or an annex cannot be typeset: a fault of ours, whatever the data."""


class CaseError(CollectorError):
    """A case is not there, or a step does not follow its state: says what has to be done first."""

    exit_code = 2


class EvidenceError(CollectorError):
    """A file of evidence cannot be read, or is not what was written; says what and where."""


class ReportError(CollectorError):
    """What a report is asked of is not in the registry or the ledger."""

    exit_code = 2


class StandardError(CollectorError):
    """A standard's file is not there, cannot be read or is wrong: says which field, what to do."""

    exit_code = 2


class RegistryError(CollectorError):
    """What was asked for does not fit the registry: a name taken, or one that is not there."""

    exit_code = 2
