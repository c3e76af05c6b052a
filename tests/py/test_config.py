"""The configuration: where values come from, and what is said of wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sems.cli import app
from sems.config import Config, LoadedConfig, load_config
from sems.config.lines import key_lines
from sems.errors import ConfigError

Load = Callable[..., LoadedConfig]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads the text as ``sems.toml`` of the current folder."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | None = None, cli: dict[str, object] | None = None, **environ: str) -> LoadedConfig:
        if text is not None:
            Path("sems.toml").write_text(text)
        return load_config(cli or {}, environ=environ)

    return load


def test_without_anything_the_defaults_hold(load: Load) -> None:
    config = load().config
    assert (config.host, config.sip_port, config.http_port) == ("0.0.0.0", 5060, 8080)
    assert config.rtp_ports == (10000, 19999)
    assert config.base_url is None
    assert config.audio.codecs == ("opus", "G722", "PCMU", "PCMA")
    assert [str(network) for network in config.trusted] == ["127.0.0.0/8", "::1/128"]


def test_the_command_line_beats_the_environment_which_beats_the_file(load: Load) -> None:
    loaded = load(
        'host = "192.0.2.1"\nsip_port = 1111\nhttp_port = 2222\nrtp_ports = "3000-4000"\n',
        {"sip_port": 5555, "http_port": None},
        SEMS_SIP_PORT="4444",
        SEMS_HTTP_PORT="3333",
    )
    config = loaded.config
    assert (config.host, config.sip_port, config.http_port) == ("192.0.2.1", 5555, 3333)
    assert loaded.origin("host") == "sems.toml:1"
    assert loaded.origin("sip_port") == "--sip-port"
    assert loaded.origin("http_port") == "SEMS_HTTP_PORT"
    assert loaded.origin("rtp_ports") == "sems.toml:4"
    assert loaded.origin("data") == "default"


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SEMS_SIP_PROT", "SEMS_SIP_PORT"),
        ("SEMS_OPERATOR_TOKEN", "SEMS_OPERATOR__TOKEN"),
        ("SEMS_LIMIT__MAX_CALLS", "SEMS_LIMITS__MAX_CALLS"),
        ("SEMS_ROOM__BOARD__PIN", "SEMS_ROOMS__BOARD__PIN"),
        ("sems_confg", "SEMS_CONFIG"),
    ],
)
def test_a_variable_that_was_mistyped_is_an_error_that_names_the_one_that_was_meant(
    load: Load, variable: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{variable}: unknown variable \(did you mean {meant}\?\)$"):
        load(**{variable: "7"})


@pytest.mark.parametrize(
    "variable",
    [
        "SEMS_CALL_PASSWORD",
        # Of a Service of Kubernetes that is called sems.
        *("SEMS_PORT", "SEMS_SERVICE_HOST", "SEMS_SERVICE_PORT", "SEMS_PORT_5060_UDP_ADDR"),
        # Of programs.
        *("SEMS_NATIVE", "SEMS_CROWD", "SEMS_SIM_SEEDS", "SEMS_API_EXAMPLES"),
        *("SEMS_DATABASE_URL", "SEMS_DATA_PASSWORD", "SEMS_SIP_PASSWORD"),
    ],
)
def test_a_variable_that_is_somebody_elses_is_left_alone(load: Load, variable: str) -> None:
    assert load(**{variable: "7"}).origins == {}


@pytest.mark.parametrize("service", ["SIP", "RTP", "TCP", "MAIL"])
def test_what_kubernetes_sets_for_a_service_is_no_setting_whatever_its_name_is(
    load: Load, service: str
) -> None:
    variables = {
        f"SEMS_{service}_PORT": "tcp://10.96.0.7:5060",
        f"SEMS_{service}_PORT_5060_TCP": "tcp://10.96.0.7:5060",
        f"SEMS_{service}_PORT_5060_TCP_ADDR": "10.96.0.7",
        f"SEMS_{service}_PORT_5060_TCP_PORT": "5060",
        f"SEMS_{service}_PORT_5060_TCP_PROTO": "tcp",
        f"SEMS_{service}_SERVICE_HOST": "10.96.0.7",
        f"SEMS_{service}_SERVICE_PORT": "5060",
        f"SEMS_{service}_SERVICE_PORT_SIGNALING": "5060",
    }
    assert load(**variables).origins == {}


def test_a_list_is_written_in_a_variable_as_in_the_file(load: Load) -> None:
    loaded = load(
        'trusted = ["192.0.2.1/32"]',
        SEMS_TRUSTED='["10.0.0.0/8"]',
        SEMS_BOXES__ANNA__USERS='["anna", "100"]',
        SEMS_ROUTES='[{user = "1", app = "echo"}]',
        SEMS_OPERATOR__TOKEN="[no list, whatever it looks like]",
    )
    assert [str(network) for network in loaded.config.trusted] == ["10.0.0.0/8"]
    assert loaded.config.boxes["anna"].users == ("anna", "100")
    assert loaded.config.routes[0].app == "echo"
    assert loaded.config.operator.token == "[no list, whatever it looks like]"
    assert loaded.origin("trusted") == "SEMS_TRUSTED"
    with pytest.raises(
        ConfigError, match=r"^SEMS_TRUSTED: a list ends with \], .*, and texts in it stand in"
    ):
        load(SEMS_TRUSTED="[10.0.0.0/8]")


def test_every_run_option_is_also_a_variable(load: Load, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("workers = 3")
    config = load(
        SEMS_HOST="192.0.2.9",
        SEMS_SIP_PORT="5070",
        SEMS_HTTP_PORT="0",
        SEMS_RTP_PORTS="30000-30099",
        SEMS_DATA="there",
        SEMS_CONFIG="other.toml",
        SEMS_BASE_URL="https://example.com/sems/",
    ).config
    assert config.host == "192.0.2.9"
    assert (config.sip_port, config.http_port) == (5070, 0)
    assert config.rtp_ports == (30000, 30099)
    assert config.data == tmp_path / "there"
    assert config.workers == 3
    assert config.base_url == "https://example.com/sems"


def test_each_key_of_a_list_of_tables_has_its_origin(load: Load) -> None:
    loaded = load(
        '[[accounts]]\nuri = "sip:a@b"\n[[accounts]]\nuri = "sip:c@d"\nexpires = 60\n'
        '[auth]\n[[auth.users]]\nname = "anna"\npassword = "secret"\n'
        '[[routes]]\napp = "echo"\nparams = { room = "x" }'
    )
    assert loaded.origin("accounts[0].uri") == "sems.toml:2"
    assert loaded.origin("accounts[0].expires") == "default"
    assert loaded.origin("accounts[1].expires") == "sems.toml:5"
    assert loaded.origin("auth.users[0].name") == "sems.toml:8"
    assert loaded.origin("routes[0].app") == "sems.toml:11"
    assert loaded.origin("routes[0].params.room") == "sems.toml:12"
    assert loaded.origin("routes[0].user") == "default"


def test_tables_are_merged_key_by_key(load: Load) -> None:
    loaded = load('[operator]\ntoken = "from-the-file"\n[limits]\nmax_calls = 7', SEMS_LIMITS__MAX_CALLS="9")
    assert loaded.config.operator.token == "from-the-file"
    assert loaded.config.limits.max_calls == 9
    assert loaded.origin("operator.token") == "sems.toml:2"
    assert loaded.origin("limits.max_calls") == "SEMS_LIMITS__MAX_CALLS"


def test_relative_folders_of_the_file_start_at_the_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "mine.toml").write_text('data = "d"\n[announcements]\nfolders = ["a", "/b"]')
    config = load(None, {"config": "etc/mine.toml"}).config
    assert config.data == tmp_path / "etc" / "d"
    assert config.announcements.folders == (tmp_path / "etc" / "a", Path("/b"))


def test_a_relative_folder_of_the_command_line_starts_here(load: Load, tmp_path: Path) -> None:
    assert load('data = "ignored"', {"data": "here"}).config.data == tmp_path / "here"


def test_a_room_has_its_own_settings_over_the_default(load: Load) -> None:
    config = load(
        '[rooms.default]\nmoderator = "none"\nmax_members = 9\n[rooms."Board room"]\nmax_members = 3'
    ).config
    assert config.room("Board room").max_members == 3
    assert config.room("Board room").moderator == "none"
    assert config.room("any").max_members == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '# rooms\n\n[rooms.default]\nmoderator = "first"\njoin_sond = true',
            'sems.toml:5: rooms.default.join_sond: unknown key (did you mean "join_sound"?)',
        ),
        ('[rooms."Big [1]"]\nx = 1', "sems.toml:2: rooms.Big [1].x: unknown key"),
        ("sip_prot = 1", 'sems.toml:1: sip_prot: unknown key (did you mean "sip_port"?)'),
        ('\nsip_port = "x"', "sems.toml:2: sip_port: a whole number is wanted, not 'x'"),
        (
            "http_port = 65536",
            "sems.toml:1: http_port: input should be less than or equal to 65535",
        ),
        ('rtp_ports = "1-2"', "sems.toml:1: rtp_ports: input should be greater than or equal to 1024"),
        ('rtp_ports = "20000"', 'sems.toml:1: rtp_ports: two ports are wanted, such as "10000-19999"'),
        ('rtp_ports = "3000-2000"', "sems.toml:1: rtp_ports: the second port must be greater"),
        ('host = "sems"', "sems.toml:1: host: an IP address is wanted"),
        ('base_url = "ftp://x"', "sems.toml:1: base_url: an http or https address is wanted"),
        (
            '[audio]\ncodecs = ["PCMU",\n"G723"]',
            "sems.toml:2: audio.codecs[1]: a codec is wanted that is here: opus, G722, PCMU, PCMA, L16, not",
        ),
        ('trusted = ["10.0.0.0/99"]', "sems.toml:1: trusted[0]: a network is wanted, such as 10.0.0.0/8"),
        (
            '[[routes]]\napp = "a"\n[[routes]]\nuser = "1("\napp = "b"',
            "sems.toml:4: routes[1].user: not a",
        ),
        ('[[routes]]\nuser = "1"', "sems.toml:1: routes[0].app: is missing"),
        (
            '[[routes]]\napp = "a"\nparams = { room = "{nobody}" }',
            "sems.toml:1: routes[0]: params.room speaks of {nobody}, which no pattern here names",
        ),
        ('[operator]\ntoken = "short"', "sems.toml:2: operator.token: string should have at least 8"),
        (
            '[rooms.board]\npin = "4711"\nmoderator_pin = "4711"',
            "sems.toml:3: rooms.board.moderator_pin: moderators need another PIN than the room's",
        ),
        ("rooms = 1", "sems.toml:1: rooms: a table is wanted, of keys and values, not 1"),
        ("a = 1\nb =", "sems.toml:2: no value: texts stand in quotes"),
        (
            "host = sems",
            "sems.toml:1: no value: texts stand in quotes, and what is so or not is true or false",
        ),
        ("a = 1\na = 2", "sems.toml:2: this key is there already"),
        ('[rooms."a"]\n[rooms."a"]', "sems.toml:2: [rooms.a] is there already"),
        ('user = "\\d"', "sems.toml:1: a backslash counts twice in \"…\"; in '…' it is one"),
        ("sip_port = 5060,", "sems.toml:1: the line ought to end behind the value"),
        ("sip_port: 5060", "sems.toml:1: a key is followed by = and its value"),
        ('trusted = "10.0.0.1"', "sems.toml:1: trusted: a list is wanted, in brackets [ ], not '10.0.0.1'"),
        ("[rooms.board]\npin = 471", "sems.toml:2: rooms.board.pin: a text is wanted, in quotes"),
        ('[rooms.board]\npin = "47a"', "sems.toml:2: rooms.board.pin: 3 to 16 digits are wanted"),
        ('[registrar]\nenabled = "yes, please"', "sems.toml:2: registrar.enabled: true or false is wanted"),
        ('a = """', "sems.toml:1: unterminated string"),
        ("a = 1\n[x", "sems.toml:2: expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line_with_its_place(load: Load, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(text)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_wrong_option_is_called_by_its_name(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"^--sip-port: input should be less than or equal to 65535"):
        load(None, {"sip_port": 70000})


def test_a_wrong_variable_is_called_by_its_name(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"^SEMS_RTP_PORTS: two ports are wanted"):
        load(SEMS_RTP_PORTS="7")


def test_a_secret_is_not_repeated_in_an_error(load: Load) -> None:
    with pytest.raises(ConfigError) as error:
        load('operator = { token = "secret" }')
    assert "'secret'" not in str(error.value)


def test_several_mistakes_are_counted(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"\(and 1 more\)$"):
        load("sip_port = -1\nhttp_port = -1")


def test_a_file_that_was_asked_for_must_exist(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"^gone.toml: can't be read: No such file"):
        load(None, {"config": "gone.toml"})


def test_a_file_that_is_no_text_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "sems.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"^sems.toml: is not UTF-8 text"):
        load()


def test_a_configuration_of_a_program_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMS_SIP_PORT", "7")
    assert Config().sip_port == 5060


def test_lines_are_found_behind_every_kind_of_value() -> None:
    text = '''a = """
b = 1
"""
"c d".e = 'x' # f = 1
list = [ 1, # [g]
  "]", { h = 1 },
]
[t] # comment
i = { j = "}" }
[t.'u v']
k = 1979-05-27
[[array]]
l = """quotes: "" and \\""""
[array.sub]
m = 1
[[array]]
n = \'\'\'
o = 1\'\'\'
'''
    assert key_lines(text) == {
        ("a",): 1,
        ("c d",): 4,
        ("c d", "e"): 4,
        ("list",): 5,
        ("t",): 8,
        ("t", "i"): 9,
        ("t", "u v"): 10,
        ("t", "u v", "k"): 11,
        ("array",): 12,
        ("array", 0): 12,
        ("array", 0, "l"): 13,
        ("array", 0, "sub"): 14,
        ("array", 0, "sub", "m"): 15,
        ("array", 1): 16,
        ("array", 1, "n"): 17,
    }


def explained(*arguments: str) -> str:
    """What ``sems config`` says."""
    said = CliRunner().invoke(app, ["config", *arguments])
    return said.stdout or said.stderr


def test_a_key_is_explained_with_its_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert explained("http_port", "--http-port", "9090") == (
        "http_port = 9090  # --http-port\n    TCP port of the control pages; 0: any free one.\n"
    )
    limits = explained("limits")
    assert limits.startswith("[limits]: what goes beyond is refused")
    assert "\nlimits.max_calls = 10000  # default\n    Calls at once.\n" in limits
    # Of a list without members, what they may have.
    assert "\nexpires\n    Seconds that are asked for" in explained("accounts")
    Path("sems.toml").write_text(
        '[[accounts]]\nuri = "sip:a@b"\npassword = "hidden"\n[rooms.board]\nmax_members = 3'
    )
    assert '\naccounts[0].uri = "sip:a@b"  # sems.toml:2\n    The address' in explained("accounts")
    assert explained("accounts[0].uri").startswith('accounts[0].uri = "sip:a@b"  # sems.toml:2\n')
    assert "hidden" not in explained("accounts")
    assert "rooms.board.join_sound = true  # default\n" in explained("rooms")
    assert explained("rooms.board.max_members").startswith(
        "rooms.board.max_members = 3  # sems.toml:5\n    How"
    )


def test_every_key_has_an_explanation() -> None:
    for name in Config.model_fields:
        assert "\n    " in explained(name), name


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("limts", 'sems: there is no key limts (did you mean "limits"?)\n'),
        ("limits.max_cals", 'sems: there is no key limits.max_cals (did you mean "max_calls"?)\n'),
        ("host.x", "sems: there is no key host.x\n"),
    ],
)
def test_a_key_that_there_is_not_is_a_clear_error(key: str, problem: str) -> None:
    assert explained(key) == problem


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8, unique_by=lambda pair: pair[0]))
def test_lines_are_found_whatever_the_keys_and_strings_hold(pairs: list[tuple[str, str]]) -> None:
    def basic(text: str) -> str:
        return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'

    text = "\n".join(f"{basic(key)} = {basic(value)}" for key, value in pairs)
    assert list(key_lines(text).values()) == list(range(1, len(pairs) + 1))


def test_name_servers_are_addresses_with_or_without_a_port(load: Load) -> None:
    text = '[dns]\nservers = ["192.0.2.53", "127.0.0.1:5353", "2001:db8::53", "[::1]:5353"]'
    assert load(text).config.dns.servers == ("192.0.2.53", "127.0.0.1:5353", "2001:db8::53", "[::1]:5353")
    with pytest.raises(ConfigError, match=r"sems.toml:2: dns.servers\[0\]: an IP address is wanted"):
        load('[dns]\nservers = ["ns.example.com"]')


def test_the_outbound_proxy_is_a_loose_router(load: Load) -> None:
    assert load('outbound_proxy = "sip:p.example:5070"').config.outbound_proxy == "sip:p.example:5070;lr"
    assert load('outbound_proxy = "sips:p.example;LR"').config.outbound_proxy == "sips:p.example;LR"
    for wrong in ("p.example", "tel:123", "<sip:p.example>", "sip:"):
        with pytest.raises(ConfigError, match="the SIP address of a proxy is wanted"):
            load(f'outbound_proxy = "{wrong}"')


def test_session_timers_are_in_order(load: Load) -> None:
    session = load("[session]\ntimer = 600\nmin_timer = 120\n").config.session
    assert (session.timer, session.min_timer) == (600, 120)
    assert load("[session]\ntimer = 0\n").config.session.timer == 0
    with pytest.raises(ConfigError, match=r"timer \(100\) must not be less than min_timer \(200\)"):
        load("[session]\ntimer = 100\nmin_timer = 200\n")
    with pytest.raises(ConfigError, match="min_timer"):
        load("[session]\nmin_timer = 60\n")


def test_a_box_takes_what_holds_for_all_boxes_and_finds_its_greeting_beside_the_file(load: Load) -> None:
    config = load(
        '[boxes.default]\nlanguage = "de"\nsilence = 3\n'
        '[boxes.anna]\nsilence = 4\ngreeting = "anna.wav"\nusers = ["100"]\n'
    ).config
    anna = config.box("anna")
    assert anna is not None
    assert (anna.language, anna.silence) == ("de", 4)
    assert anna.greeting is not None
    assert anna.greeting.is_absolute()
    assert config.box("default") is None
    assert (config.box_of("100"), config.box_of("anna")) == ("anna", None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[storage]\ndatabase = "mysql://x/y"\n', "a database is wanted, such as sqlite:"),
        ('[storage]\ndatabase = "postgresql://u:p@h/n"\n', "the password belongs into storage.password"),
        ('[boxes.anna]\ndelivery = "email"\n', 'delivery = "email" needs an email address'),
        ('[boxes.anna]\npin = "12"\n', "boxes.anna.pin: 4 to 16 digits are wanted"),
        ('[boxes.anna]\ntimezone = "Berlin"\n', "no such time zone; Europe/Berlin is one"),
        ('[boxes.anna]\ntimezone = "../etc"\n', "no such time zone; Europe/Berlin is one"),
        ('[boxes.anna]\ntimezone = "Europe"\n', "no such time zone; Europe/Berlin is one"),
        ('[mail]\nusername = "x"\n', "username and password belong together"),
    ],
)
def test_what_makes_no_sense_of_voice_mail_is_said(load: Load, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(text)
    assert why in str(error.value)
    assert "not '12'" not in str(error.value), "a PIN is nobody's business"
