"""The closed list of why a slot did not end as a measurement.

A failed measurement is a measurement: its record carries one of these codes. The probe has one
classifier for errors of sockets, TLS and HTTP; nothing else names a failure.
"""

from enum import StrEnum


class Failure(StrEnum):
    """Why a slot failed, was skipped or was missed. Each member's meaning is `MEANINGS`'."""

    NAME_RESOLUTION = "name_resolution"
    NO_ADDRESS = "no_address"
    NO_ROUTE = "no_route"
    INTERFACE_MISSING = "interface_missing"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    SERVER_BUSY = "server_busy"
    NOT_A_SERVER = "not_a_server"
    BAD_ANSWER = "bad_answer"
    STALLED = "stalled"
    CONNECTION_LOST = "connection_lost"
    DEADLINE = "deadline"
    NO_REPLIES = "no_replies"
    LOCAL_RESOURCE = "local_resource"
    INTERNAL = "internal"
    LINE_BUSY = "line_busy"
    OVERDUE = "overdue"
    DATA_BUDGET = "data_budget"
    NO_SERVER = "no_server"
    TERMS_NOT_ACCEPTED = "terms_not_accepted"
    PROBE_STOPPING = "probe_stopping"
    PROBE_OFF = "probe_off"
    CLOCK_STEP = "clock_step"


MEANINGS: dict[Failure, str] = {
    Failure.NAME_RESOLUTION: "The server's name could not be resolved.",
    Failure.NO_ADDRESS: "The server's name has no address of the address family asked for.",
    Failure.NO_ROUTE: "The device has no route to the server in this address family.",
    Failure.INTERFACE_MISSING: "The path's interface does not exist or is down.",
    Failure.REFUSED: "The server's address answered, but nothing listens on the port.",
    Failure.CONNECT_TIMEOUT: "No connection to the server within the time allowed.",
    Failure.TLS: "The TLS handshake failed, or the server's certificate is not trusted.",
    Failure.SERVER_BUSY: "The server answered that it carries all the tests it can (503).",
    Failure.NOT_A_SERVER: "Something answered, but it is not a measurement server.",
    Failure.BAD_ANSWER: "The server's answer breaks the protocol.",
    Failure.STALLED: "The connection stayed open, but no byte moved for the time allowed.",
    Failure.CONNECTION_LOST: "The connection broke during the measurement.",
    Failure.DEADLINE: "The measurement did not end within its deadline.",
    Failure.NO_REPLIES: "Packets were sent and none came back.",
    Failure.LOCAL_RESOURCE: "The device lacked memory, file descriptors, disk, permission or a "
    "program.",
    Failure.INTERNAL: "A defect in the probe's software; the detail names it.",
    Failure.LINE_BUSY: "Skipped: another measurement was running on the same line.",
    Failure.OVERDUE: "Skipped: the slot's moment had passed before the probe could start it.",
    Failure.DATA_BUDGET: "Skipped: the line's monthly data budget is spent.",
    Failure.NO_SERVER: "Skipped: no server for this task is configured, or the one that the plan "
    "names is unknown.",
    Failure.TERMS_NOT_ACCEPTED: "Skipped: the terms of the service that runs the server were not "
    "accepted.",
    Failure.PROBE_STOPPING: "Skipped: the probe was asked to stop.",
    Failure.PROBE_OFF: "Missed: the probe was off or its agent was not running.",
    Failure.CLOCK_STEP: "Missed: the clock was corrected across the slot's moment.",
}
