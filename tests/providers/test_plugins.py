"""Plugins that are broken, each in its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedrender.errors import ConfigError
from seedrender.providers import plugins, registry
from seedrender.run import project
from seedrender.values.provider import Limits

GOOD = """\
from seedrender.values.provider import Limits


class Odd:
    name = "odd"
    window = None

    def __init__(self, environ):
        self.limits = Limits(concurrency=3, requests_per_minute=10)
        self.environ = environ

    def violations(self, job): ...
    def price(self, job, video=None): ...
    def encode(self, job, media, correlation_id): ...
    def retrieve(self, file): ...
    async def upload(self, file): ...
    async def submit(self, submission): ...
    async def poll(self, task_id, *, hold=False): ...
    async def poll_many(self, task_ids): ...
    async def find(self, correlation_id, *, since=None, witnesses=()): ...
    async def cancel(self, task_id): ...
    async def __aenter__(self): ...
    async def __aexit__(self, *exc_info): ...
"""
FILM = "seedrender: 1\nname: film\nprovider: odd\nshots: {a: {prompt: A kite.}}\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(
    site: Path, module: str, text: str = GOOD, *, name: str = "odd", package: str = "odd-route"
) -> None:
    """Lay a package out as an installer does."""
    (site / f"{module}.py").write_text(text)
    info = site / f"{package.replace('-', '_')}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{name} = {module}:Odd\n")


def test_a_plugin_that_keeps_the_protocol_is_taken(site: Path) -> None:
    install(site, "odd_good")

    assert registry.names()[-1] == "odd"
    assert registry.offline("odd").name == "odd"
    assert registry.account_limits("odd").concurrency == 3
    limits = Limits(concurrency=1, requests_per_minute=5)
    client = registry.online("odd", {"ODD_KEY": "k"}, limits)
    assert (client.limits, vars(client)["environ"]) == (limits, {"ODD_KEY": "k"})
    assert plugins.source("odd") == "odd-route 2.1"


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("odd_missing", "import no_such_module\n", "ModuleNotFoundError: No module named"),
        ("odd_syntax", "def f(:\n", "SyntaxError"),
        ("odd_exit", "raise SystemExit(3)\n", "cannot be loaded (SystemExit: 3)"),
        ("odd_empty", "\n", "AttributeError"),
        ("odd_value", "Odd = 7\n", "TypeError: 'int' object is not callable"),
        (
            "odd_raises",
            GOOD.replace("self.environ = environ", "raise RuntimeError('\\x1b[2J')"),
            "(RuntimeError: \\x1b[2J)",
        ),
        ("odd_name", GOOD.replace('"odd"', '"even"'), "calls itself 'even'"),
        ("odd_limits", GOOD.replace("self.limits =", "limits ="), "has no `limits`"),
        ("odd_window", GOOD.replace("    window = None\n", ""), "has no `window`"),
        (
            "odd_lacks",
            GOOD.replace("    async def cancel(self, task_id): ...\n", ""),
            "has no method `cancel`",
        ),
        (
            "odd_plain",
            GOOD.replace("async def submit", "def submit"),
            "has a method `submit` that is not async",
        ),
        (
            "odd_async",
            GOOD.replace("    def retrieve", "    async def retrieve"),
            "has a method `retrieve` that is async",
        ),
        (
            "odd_old",
            GOOD.replace(", *, hold=False", ""),
            "has a method `poll` that does not take what it is given",
        ),
        (
            "odd_rest",
            GOOD + "    def retrieve_rest(self, file): ...\n",
            "has a method `retrieve_rest` that does not take what it is given",
        ),
        (
            "odd_property",
            GOOD.replace("window = None", "window = property(lambda self: 1 / 0)"),
            "cannot be loaded (ZeroDivisionError",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_nothing_is_sent(
    site: Path, module: str, text: str, words: str
) -> None:
    install(site, module, text)
    (site / "film.yaml").write_text(FILM)

    with pytest.raises(ConfigError) as caught:
        project.load(site / "film.yaml")

    said = str(caught.value)
    assert said.startswith("the route odd of odd-route 2.1 ")
    assert words in said
    assert said.endswith("upgrade or uninstall that package; nothing was sent")


def test_a_broken_plugin_disturbs_no_other_route(site: Path) -> None:
    install(site, "odd_elsewhere", "raise RuntimeError\n")
    (site / "film.yaml").write_text(FILM.replace("odd", "sim"))

    assert len(project.load(site / "film.yaml").jobs) == 1


def test_two_packages_may_not_bring_one_route(site: Path) -> None:
    install(site, "odd_one")
    install(site, "odd_two", package="odd-other")

    with pytest.raises(
        ConfigError, match=r"is brought by odd-\w+ 2\.1 and odd-\w+ 2\.1: uninstall one"
    ):
        registry.offline("odd")


@pytest.mark.parametrize("name", ["modellix", "sim", "file", "Odd", "../odd"])
def test_a_name_that_is_taken_or_is_none_is_no_route(site: Path, name: str) -> None:
    install(site, "odd_named", "raise RuntimeError\n", name=name)

    assert plugins.names() == ()
    assert registry.offline("modellix").name == "modellix"


def test_a_key_that_a_plugin_puts_into_an_exception_is_taken_out(site: Path) -> None:
    install(
        site,
        "odd_tells",
        GOOD.replace("self.environ = environ", "raise ValueError(environ['ODD_KEY'])"),
    )
    limits = Limits(concurrency=1, requests_per_minute=5)

    with pytest.raises(ConfigError) as caught:
        registry.online("odd", {"ODD_KEY": "planted-key-8c1f"}, limits)

    assert "(ValueError: …)" in str(caught.value)


def test_a_plugins_own_word_about_the_configuration_is_kept(site: Path) -> None:
    text = GOOD.replace(
        "self.environ = environ",
        "from seedrender.errors import ConfigError; raise ConfigError('ODD_HOST is no URL')",
    )
    install(site, "odd_config", text)

    with pytest.raises(ConfigError, match=r"^ODD_HOST is no URL$"):
        registry.offline("odd")


def test_a_route_that_nobody_brings_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="there is no route 'ood'; one of sim, modellix"):
        registry.offline("ood")
