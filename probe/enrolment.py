"""Makes this device known to a collector, with a one-time code that an operator gave out."""

from probe.client import CollectorClient, parse
from probe.clock import Clock
from probe.errors import CollectorError
from probe.identity import Enrolment, load_or_create_key, public_text, save_enrolment
from probe.settings import ProbeSettings
from protocol.constants import ENROL_PATH
from protocol.messages import EnrolAnswer, EnrolRequest
from protocol.model import encode

_GOOD = (200, 201)


def enrol(
    settings: ProbeSettings, collector_url: str, code: str, software: str, model: str | None
) -> Enrolment:
    """Enrol this device; return what it is called from now on.

    The key is made once; enrolling again sends the same one, and only the collector's answer is
    written anew.

    Args:
        settings: where the state is kept, and whom to trust.
        collector_url: the collector's address.
        code: the one-time code.
        software: name and version.
        model: the device's model, where it tells.

    Raises:
        IdentityError: the key cannot be used or written.
        CollectorError: the collector cannot be reached, or refuses.
    """
    key = load_or_create_key(settings.state_directory)
    clock = Clock()
    client = CollectorClient(collector_url, clock, settings.ca_file)
    try:
        asked = EnrolRequest(code=code, public_key=public_text(key), software=software, model=model)
        answer = client.request(
            "POST", ENROL_PATH, {"Content-Type": "application/json"}, encode(asked)
        )
        client.learn(answer)
    finally:
        client.close()
    if answer.status not in _GOOD:
        raise CollectorError(_refusal(answer.explain()))
    known = parse(EnrolAnswer, answer)
    enrolment = Enrolment(
        probe=known.probe, site=known.site, collector_url=collector_url, enrolled_at=clock.now()
    )
    save_enrolment(settings.state_directory, enrolment)
    return enrolment


def _refusal(reason: str) -> str:
    """Return why, and what to do: the collector says it itself of a wrong code."""
    if "ask the operator" in reason:
        return reason
    return f"{reason}; ask the operator for a new code ('linewatch probe code')"
