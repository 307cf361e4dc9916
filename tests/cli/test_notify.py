"""Notifications: sent after landing to real servers on loopback, never in the way of what landed."""

from __future__ import annotations

import email
import io
import logging
import sys
import time
from email.policy import default
from pathlib import Path

import pytest

from modelreg import Registry
from modelreg.integrations import notifications
from tests.cli.runner import Result, artifact, change_policy, done, founded, metrics, modelreg, policy_of
from tests.servers import mailbox, silent, webhook
from tests.support import Repo, run

SECRET = "s3cr3t-t0ken"
SLOWLY = "rto=60&cto=60"
"""On a machine that is busy an answer may take its time."""
RULES = [
    {"name": "moves", "on": ["promoted", "rolled-back", "refused"], "stages": ["production"], "to": ["chat", "mail"]},
    {"name": "new", "on": ["registered", "withdrawn"], "to": ["chat"]},
]


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "WAIT_S", 60.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """What `registry` copies."""
    tmp_path = tmp_path_factory.mktemp("made")
    repo = founded(tmp_path / "repo")
    for number, f1 in enumerate((0.8, 0.9)):
        path = artifact(tmp_path, f"model {number}")
        done("register", "churn", path, "--metrics", metrics(tmp_path, f1), registry=repo.path)
        done("stage", "set", "churn", f"1.0.{number}", "staging", registry=repo.path)
    change_policy(repo, notifications=RULES)
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.0 and 1.0.1 in staging; who is told of what is in RULES."""
    return made.copy(tmp_path / "repo")


def to_production(repo: Repo, version: str = "1.0.0", *options: str) -> Result:
    return modelreg("stage", "set", "churn", version, "production", *options, registry=repo.path)


def unseen(*results: Result) -> bool:
    return not any(SECRET in text for result in results for text in (result.out, result.err))


def test_what_landed_is_told(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with webhook() as (chat, got), mailbox() as (post, mails):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@{chat}/hook?{SLOWLY}")
        monkeypatch.setenv("MODELREG_NOTIFY_MAIL", f"mailto://{post}?from=reg@example.org&to=team@example.org")
        first = to_production(registry, "1.0.0", "-m", "see https://evil.example @everyone")
        second = to_production(registry, "1.0.1")
        back = modelreg("rollback", "churn", "--cause", "slow", registry=registry.path)
        new = modelreg("register", "price", artifact(tmp_path, "p"), registry=registry.path)
        quiet = modelreg("stage", "set", "price", "1.0.0", "staging", registry=registry.path)
        gone = modelreg("withdraw", "price", "1.0.0", "-m", "wrong", registry=registry.path)
    results = (first, second, back, new, quiet, gone)
    assert [result.code for result in results] == [0] * 6, results
    assert unseen(*results)
    assert not any("told" in result.err for result in results)
    assert [post["title"] for post in got] == [
        "modelreg: churn 1.0.0 promoted from staging to production",
        "modelreg: churn 1.0.1 promoted from staging to production",
        "modelreg: production of churn rolled back to 1.0.0",
        "modelreg: price 1.0.0 registered",
        "modelreg: price 1.0.0 withdrawn from staging",
    ]
    assert [post["type"] for post in got] == ["info", "info", "warning", "info", "warning"]
    assert all(post["_authorized"] and post["_path"].startswith("/hook") for post in got)
    text = got[0]["message"]
    assert "reason: see https:∕∕evil․example ＠everyone" in text
    assert "@" not in text
    assert "://" not in text
    parsed = [email.message_from_string(mail, policy=default) for mail in mails]
    assert [mail["Subject"] for mail in parsed] == [post["title"] for post in got[:3]]
    body = parsed[2].get_body(("plain", "html"))
    assert body is not None
    assert "cause: slow" in body.get_content()


def test_nothing_is_told_of_what_did_not_land(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?{SLOWLY}")
        assert to_production(registry, "1.0.0", "--dry-run").code == 0
        assert to_production(registry, "9.9.9").code == 1
        assert (
            modelreg("stage", "set", "churn", "1.0.0", "staging", registry=registry.path).code == 0
        )  # it stands there
        assert to_production(registry, "1.0.0", "--propose").code == 0
    assert got == []


def test_a_refused_promotion(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = {"stage": "production", "require": {"metrics": {"f1": {"min": 0.99}}}}
    change_policy(registry, gates=[*policy_of(registry)["gates"], floor])
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?{SLOWLY}")
        command = ("promote", "churn", "--to", "production", "--auto", "--json")
        assert modelreg(*command, "--dry-run", registry=registry.path).code == 1
        assert got == []
        told = modelreg(*command, registry=registry.path)
    assert (told.code, told.json("promote")["version"]) == (1, None)
    assert [post["title"] for post in got] == ["modelreg: no version of churn may enter production"]
    assert "1.0.1: metrics.f1" in got[0]["message"]


@pytest.mark.parametrize("address", ["json://user:{secret}@127.0.0.1:1/", "slack://{secret}", "nosuch://{secret}"])
def test_who_cannot_be_told_is_a_line(registry: Repo, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    log = io.StringIO()  # what a program that keeps a log would have in it
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(logging.getLogger("apprise"), "propagate", True)  # as it is in a new process
    monkeypatch.setenv("MODELREG_NOTIFY_CHAT", address.format(secret=SECRET))
    told = to_production(registry)
    assert (told.code, registry.git("log", "-1", "--format=%s")) == (0, "Promote churn 1.0.0 to production")
    (line,) = [line for line in told.err.splitlines() if "not told" in line]
    assert line in (
        "chat was not told: could not be reached, or refused",
        "chat was not told: MODELREG_NOTIFY_CHAT holds no address that apprise knows",
    )
    assert unseen(told)
    assert SECRET not in log.getvalue()


def test_a_server_that_refuses(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook(403) as (chat, _):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@{chat}?{SLOWLY}")
        told = to_production(registry)
    assert (told.code, told.err.splitlines()[-1]) == (0, "chat was not told: refused with status 403")
    assert unseen(told)


def test_servers_that_never_answer_cost_their_time_once(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both at once, for no longer than the limit; a program's end does not wait for them either."""
    with silent() as one, silent() as two:
        environment = {"MODELREG_NOTIFY_CHAT": f"json://{one}?rto=60", "MODELREG_NOTIFY_MAIL": f"json://{two}?rto=60"}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = "import sys; from modelreg.integrations import notifications as n; n.WAIT_S = 0.5\n"
        code += "from modelreg.cli.app import run; sys.exit(run())"
        command = ("stage", "set", "churn", "1.0.0", "production", "-C", registry.path)
        began = time.monotonic()
        said = run(sys.executable, "-c", code, *command).stderr
        assert time.monotonic() - began < 50
    assert [line for line in said.splitlines() if "told" in line] == [
        "chat was not told: no answer within 0.5 s",
        "mail was not told: no answer within 0.5 s",
    ]


def test_without_apprise(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    before = registry.head
    monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@127.0.0.1:1")
    told = to_production(registry)
    line = "nobody was told: notifications need apprise, which is not installed (pip install 'modelreg[notify]')"
    assert (told.code, told.err.splitlines()[-1]) == (0, line)
    asked = modelreg("notify", "--since", before, registry=registry.path)
    assert asked.code == 4
    assert "pip install 'modelreg[notify]'" in asked.err
    assert unseen(told, asked)


def test_where_nobody_is_to_be_told_nothing_of_it_is_loaded(registry: Repo) -> None:
    """No address in the environment: no rule is looked at, and apprise is not imported."""
    code = "import sys; from modelreg.cli.app import run; code = run(); print(code, *sys.modules)"
    said = run(sys.executable, "-c", code, "stage", "set", "churn", "1.0.0", "production", "-C", registry.path).stdout
    loaded = said.splitlines()[-1].split()
    assert loaded[0] == "0"
    assert not {"apprise", "modelreg.notifying", "modelreg.integrations.notifications"} & set(loaded)


def test_a_broken_policy_is_no_traceback(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that a schema would refuse, on a registry that nobody validated."""
    monkeypatch.setenv("MODELREG_NOTIFY_CHAT", "json://127.0.0.1:1")
    change_policy(registry, notifications=[{"name": "x", "on": ["promoted"], "to": [7]}])
    done("register", "churn", artifact(registry.path.parent, "new"), registry=registry.path)


def test_A06_rules_of_a_branch_that_has_not_landed_send_nothing(
    registry: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull request that tells others of more, checked out: the rules of the protected branch count."""
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?{SLOWLY}")
        monkeypatch.setenv("MODELREG_NOTIFY_SPY", f"json://{chat}/spy?{SLOWLY}")
        since = registry.head
        done("stage", "set", "churn", "1.0.0", "production", registry=registry.path)
        registry.git("switch", "-q", "-c", "topic")
        change_policy(registry, notifications=[{"name": "spy", "on": ["promoted"], "to": ["spy"]}])
        done("notify", "--since", since, registry=registry.path)
        done("stage", "set", "churn", "1.0.1", "production", "--branch", "main", registry=registry.path)
    assert [(post["_path"], "1.0.1" in post["title"]) for post in got] == [("/", False), ("/", False), ("/", True)]


def test_what_is_not_pushed_is_not_told(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is a remote a write is pending until that has it."""
    registry.bare(tmp_path / "server.git")
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?{SLOWLY}")
        told = to_production(registry, "1.0.0")
        assert got == []
        (line,) = [line for line in told.err.splitlines() if "not pushed" in line]
        registry.git("push", "-q", "origin", "main")
        done(*line.partition("modelreg ")[2].split(), registry=registry.path)
        assert [post["title"] for post in got] == ["modelreg: churn 1.0.0 promoted from staging to production"]
        assert to_production(registry, "1.0.1", "--push").code == 0
        assert len(got) == 2


def test_what_landed_at_a_url_is_told(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a clone every write is pushed."""
    server = registry.bare(tmp_path / "server.git")
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    url = f"file://{server.path}"
    since = registry.head
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?{SLOWLY}")
        told = done("stage", "set", "churn", "1.0.0", "production", "--registry", url)
        done("notify", "--since", since, "--registry", url)
    assert "told" not in told.err
    assert [post["title"] for post in got] == ["modelreg: churn 1.0.0 promoted from staging to production"] * 2


def test_the_sdk_tells_at_once(
    registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@{chat}?{SLOWLY}")
        here = Registry(registry.path)
        here["churn"]["1.0.0"].set_stage("production", reason="by hand")
        assert [post["title"] for post in got] == ["modelreg: churn 1.0.0 promoted from staging to production"]
        here.register("price", artifacts=[artifact(tmp_path, "p")])
        assert got[1]["title"] == "modelreg: price 1.0.0 registered"
    monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@127.0.0.1:1")
    here["churn"]["1.0.1"].set_stage("production", reason="nobody listens")
    assert str(here["churn"].stage("production").version) == "1.0.1"
    assert [r.message for r in caplog.records if "told" in r.message] == [
        "modelreg: chat was not told: could not be reached, or refused"
    ]
    assert SECRET not in caplog.text


def test_where_nobody_is_to_be_told_the_sdk_loads_nothing_of_it(registry: Repo) -> None:
    code = (
        "import sys\nfrom modelreg import Registry\n"
        f"Registry({str(registry.path)!r})['churn']['1.0.0'].set_stage('production')\n"
        "print(*sorted({'modelreg.notifying', 'apprise'} & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", code).stdout.strip() == ""


def test_notify_says_what_it_would_send(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    since = registry.head
    done("stage", "set", "churn", "1.0.0", "production", "-m", "go", registry=registry.path)
    done("stage", "set", "churn", "1.0.1", "production", registry=registry.path)
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@{chat}?{SLOWLY}")
        command = ("notify", "--since", since)
        dry = modelreg(*command, "--dry-run", registry=registry.path)
        as_json = modelreg(*command, "--dry-run", "--json", registry=registry.path)
        assert got == []
        sent = modelreg(*command, "--json", registry=registry.path)
        again = modelreg(*command, registry=registry.path)
    assert unseen(dry, as_json, sent, again)
    assert dry.out.splitlines()[0] == "would tell chat: modelreg: 2 changes"
    assert "mail has no address here: set MODELREG_NOTIFY_MAIL" in dry.err
    found = as_json.json("notify")["messages"]
    assert [(m["target"], m["status"], m["events"]) for m in found] == [
        ("chat", "to-send", 2),
        ("mail", "no-address", 2),
    ]
    assert sent.code == again.code == 0
    assert [(m["status"], m["detail"]) for m in sent.json("notify")["messages"]] == [
        ("sent", None),
        ("no-address", "MODELREG_NOTIFY_MAIL is not set"),
    ]
    assert again.out == "told chat: modelreg: 2 changes\n"
    assert [post["message"] for post in got] == [found[0]["body"]] * 2
    assert "displaced" not in found[0]["body"]


def test_notify_fails_where_a_message_did_not_arrive(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    since = registry.head
    done("stage", "set", "churn", "1.0.0", "production", registry=registry.path)
    monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://user:{SECRET}@127.0.0.1:1")
    told = modelreg("notify", "--since", since, "--json", registry=registry.path)
    assert told.code == 4
    assert [m["status"] for m in told.json("notify")["messages"]] == ["failed", "no-address"]
    assert unseen(told)


def test_nothing_since(registry: Repo) -> None:
    for since in (registry.head, "0" * 40):
        told = done("notify", "--since", since, registry=registry.path)
        assert (told.out, told.err) == ("", "nobody is to be told of anything\n")
    assert modelreg("notify", "--since", "nosuch", registry=registry.path).code == 1


def test_targets_in_a_file(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Several addresses of a target; the environment's own variable comes first; nothing of the file is quoted."""
    file = tmp_path / "targets.yaml"
    monkeypatch.setenv("MODELREG_NOTIFY_CONFIG", str(file))
    with webhook() as (one, got), webhook() as (two, also):
        file.write_text(f"targets:\n  chat: json://{one}/a json://{two}/b\n  mail: json://{SECRET}.example/\n")
        monkeypatch.setenv("MODELREG_NOTIFY_MAIL", f"json://{one}/mail")
        assert to_production(registry).code == 0
    assert sorted(post["_path"] for post in (*got, *also)) == ["/a", "/b", "/mail"]
    since = f"{registry.head}^"
    for text in (f"targets: [{SECRET}", f"{SECRET}", f"targets: {{chat: [{SECRET}]}}", f"targets: {{{SECRET}_X: a}}"):
        file.write_text(text)
        told = modelreg("notify", "--since", since, registry=registry.path)
        assert told.code == 4, told
        assert "MODELREG_NOTIFY_CONFIG" in told.err
        assert unseen(told)
    file.unlink()
    assert "cannot be read" in modelreg("notify", "--since", since, registry=registry.path).err


def test_targets_never_come_from_the_repository(
    registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with webhook() as (chat, got):
        registry.write("targets.yaml", f"targets: {{chat: 'json://{chat}'}}\n")
        (tmp_path / "link.yaml").symlink_to(registry.path / "targets.yaml")
        for name in (registry.path / "targets.yaml", tmp_path / "link.yaml"):
            monkeypatch.setenv("MODELREG_NOTIFY_CONFIG", str(name))
            told = modelreg("notify", "--since", f"{registry.head}^", registry=registry.path)
            assert told.code == 4
            assert "in the repository" in told.err
    assert got == []
