"""The section `server` of the configuration."""

import pytest

from protocol.errors import ConfigurationError
from protocol.settings import Configuration, Section
from server.settings import LimitSettings, ServerSettings, TlsSettings


def test_defaults_need_no_file() -> None:
    """Without a file the server listens on every address of the usual port, without TLS."""
    settings = Configuration().section("server", ServerSettings)
    assert (settings.listen, settings.tls, settings.stamp) == (":8080", None, True)


@pytest.mark.parametrize(
    "text,message",
    [
        ("listen: 8080x", "HOST:PORT"),
        ("limits: {conections: 3}", "server.limits.conections: unknown key; did you mean 'conn"),
        ("limits: {connections: 0}", "server.limits.connections: "),
        ("tls: {certificate: a.pem}", "server.tls.key: "),
        ("metrics: everybody", "server.metrics: "),
    ],
)
def test_says_what_is_wrong(text: str, message: str) -> None:
    """A wrong value or an unknown key is an error that names the place."""
    with pytest.raises(ConfigurationError) as caught:
        Configuration("config.yaml", f"server: {{{text}}}").section("server", ServerSettings)
    assert message in str(caught.value)


@pytest.mark.parametrize("model", [ServerSettings, LimitSettings, TlsSettings])
def test_every_setting_says_what_it_is(model: type[Section]) -> None:
    """Each setting has a sentence that describes it."""
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
