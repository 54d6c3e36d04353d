import pytest

from service.config import DEFAULT_PORT, ConfigError, read_config


@pytest.mark.parametrize("variables", [{}, {"PORT": "", "LOG": ""}])
def test_defaults_apply_to_missing_and_empty_variables(variables: dict[str, str]) -> None:
    config = read_config(variables)
    assert (config.host, config.port, config.drain) == ("0.0.0.0", DEFAULT_PORT, 0)


def test_variables_override_defaults() -> None:
    config = read_config({"HOST": "::1", "PORT": "9", "LOG": "debug", "DRAIN_SECONDS": "3"})
    assert (config.host, config.port, config.log, config.drain) == ("::1", 9, "debug", 3)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "http", "must be a whole number from 0 to 65535"),
        ("PORT", "65536", "must be a whole number from 0 to 65535"),
        ("HOST", "localhost", "must be an IP address"),
        ("LOG", "loud", "must be one of debug, info, warning, error, critical"),
        ("SHUTDOWN_SECONDS", "0", "must be a whole number from 1 to 3600"),
    ],
)
def test_an_error_names_the_variable_and_its_value(name: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_config({name: value})
    assert str(error.value) == f'{name}="{value}" is not valid: {reason}'
