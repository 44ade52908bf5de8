"""Plug-ins whose import misbehaves: each is told in one sentence, and none of their code runs in this process."""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bridgebench import methods
from bridgebench.harness.weights.show import installed_methods
from bridgebench.methods import MethodCard, foreign
from bridgebench.methods.core import foreign as core_foreign
from bridgebench.methods.core.errors import UserError

CARD = """
from bridgebench.methods import MethodCard
CARD = MethodCard(name={name!r}, title="Theirs", modes=frozenset({modes}), kind={kind!r}, paper="p", summary="s",
                  editor="theirs:Editor", strength={strength})
"""


def card(name: str = "theirs", modes: str = '{"label"}', kind: str = "method", strength: str = "(0, 1, 2)") -> str:
    return CARD.format(name=name, modes=modes, kind=kind, strength=strength)


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a module as the plug-in `theirs`, beside `identity`."""
    monkeypatch.syspath_prepend(tmp_path)
    foreign.read_card.cache_clear()

    def install(text: str) -> None:
        (tmp_path / "theirs.py").write_text(text)
        identity = EntryPoint("identity", "bridgebench.methods.controls:IDENTITY", methods.GROUP)
        found = {"identity": identity, "theirs": EntryPoint("theirs", "theirs:CARD", methods.GROUP)}
        monkeypatch.setattr(methods, "_entries", lambda: found)

    yield install
    foreign.read_card.cache_clear()


def test_a_sound_card_comes_over_whole_and_runs_nothing_here(plug_in) -> None:
    plug_in("import os, sys\nprint('noise')\nos.chdir('/')\nos.environ['LEFT'] = 'behind'\nsys.path.clear()\n" + card())
    here, path = Path.cwd(), [*sys.path]
    found = methods.card("theirs")
    assert found == MethodCard(
        name="theirs", title="Theirs", modes=frozenset({"label"}), kind="method", paper="p", summary="s",
        editor="theirs:Editor", strength=(0.0, 1.0, 2.0),
    )  # fmt: skip
    assert (Path.cwd(), sys.path, "LEFT" in os.environ, "theirs" in sys.modules) == (here, path, False, False)
    assert methods.is_foreign("theirs")
    assert not methods.is_foreign("identity")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere", "cannot be imported from theirs:CARD: No module named 'nowhere'"),
        ("raise SystemExit(3)", "cannot be imported from theirs:CARD: SystemExit: 3"),
        ("raise KeyboardInterrupt", "cannot be imported from theirs:CARD: KeyboardInterrupt"),
        ("class E(BaseException):\n  def __str__(self): raise SystemExit\nraise E", "from theirs:CARD: E"),
        ("raise ValueError('\\ud800\\x1b[31m' + 'a' * 10**7)", r"from theirs:CARD: ValueError: \?\?\[31maaa"),
        ("def", "from theirs:CARD: SyntaxError: "),
        ("import os; os._exit(0)", "from theirs:CARD: its import ends the process"),
        ("import os; os.kill(os.getpid(), 9)", "from theirs:CARD: its import ends the process"),
        ("import os; os.closerange(0, 256)\n" + card(), "from theirs:CARD: its import ends the process"),
        ("input()\n" + card(), "from theirs:CARD: EOFError"),
        ("CARD = 7", "theirs:CARD of method 'theirs' must be a bridgebench.methods.MethodCard"),
        ("", "from theirs:CARD: AttributeError: module 'theirs' has no attribute 'CARD'"),
        (card(name="identity"), "'theirs' has a card of the name 'identity': give both one name"),
        (card(modes="{'sideways'}"), "card of the method 'theirs' in theirs:CARD is not valid: modes must be some of"),
        (card(modes="()"), "is not valid: modes must be some of label, reference"),
        (card(kind="oracle"), "is not valid: kind must be one of method, control"),
        (card(strength="(0, 1)"), "is not valid: strength must be three numbers"),
        (card(strength="float"), "from theirs:CARD: TypeError: "),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_the_others_are_listed(plug_in, text: str, told: str) -> None:
    plug_in(text)
    with pytest.raises(UserError, match=told) as error:
        methods.card("theirs")
    assert len(str(error.value)) < 700
    assert all(each.isprintable() for each in str(error.value))
    listed = {found.name: found for found in installed_methods()}
    assert listed["theirs"].card is None
    assert listed["identity"].card is not None


@pytest.mark.parametrize(
    "text",
    ["import time; time.sleep(1e6)", "while True: pass", "import os, time; os.fork() and os._exit(0); time.sleep(1e6)"],
)
def test_an_import_without_an_end_is_ended(plug_in, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_foreign, "SECONDS", 1.0)
    plug_in(text)
    started = time.monotonic()
    with pytest.raises(UserError, match=r"cannot be imported from theirs:CARD: (more than 1 seconds|its import ends)"):
        methods.card("theirs")
    assert time.monotonic() - started < 60


def test_of_two_of_one_name_ours_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = EntryPoint("identity", "bridgebench.methods.controls:IDENTITY", methods.GROUP)
    theirs = EntryPoint("identity", "theirs:CARD", methods.GROUP)
    for order in ([ours, theirs], [theirs, ours]):
        monkeypatch.setattr(methods, "entry_points", lambda group, found=order: found)
        methods._entries.cache_clear()
        assert methods._entries()["identity"] is ours
    methods._entries.cache_clear()


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("paper"),
        lambda facts: facts.clear(),
        lambda facts: facts.update(strength=[10**400, 1, 2]),
    ],
)
def test_facts_that_are_no_whole_card_are_not_believed(monkeypatch: pytest.MonkeyPatch, change) -> None:
    """A plug-in that writes into the connection itself may say anything."""
    facts = foreign.facts_of(methods.card("attack"))
    change(facts)
    monkeypatch.setattr(foreign, "ask", lambda *asked: facts)
    foreign.read_card.cache_clear()
    with pytest.raises(UserError, match="The card of the method 'theirs' in theirs:CARD is not valid"):
        foreign.read_card("theirs", "theirs:CARD")
    foreign.read_card.cache_clear()
