"""What a plugin's life tells beside commands: versions in service, failures, crashes, whether it is for this host."""

from __future__ import annotations

from matahari.hostproto import Activation, Loaded, MethodSpec
from matahari.rpcagent import Limits, LoadFailure
from matahari.rpcagent.limits import Options
from matahari.rpcagent.orders import Command, Content, Crashed, Drain, Failed, InService, Start, StatusChanged, Switch
from tests.support.plugin_story import BAD, DIED, LIMITS, Story, content


def everything(story: Story) -> list[Command]:
    found: list[Command] = []
    while (command := story.life.next_command()) is not None:
        found.append(command)
    return found


def test_a_version_in_service_is_told_after_the_change_of_status() -> None:
    story = Story()
    story.save("one")
    everything(story)
    story.ready(1)
    assert [type(command) for command in everything(story)] == [Switch, StatusChanged, InService]


def test_every_save_that_does_not_load_is_told_also_when_it_fails_as_before() -> None:
    story = Story().serving()
    for worker, digest in ((2, "two"), (3, "three")):
        story.save(digest)
        story.life.started(worker, story.now)
        story.life.load_failed(worker, BAD, story.now)
    story.told()
    assert story.notes == [InService(), Failed(BAD), Failed(BAD)]


def test_a_save_that_was_overtaken_is_not_told() -> None:
    story = Story().serving()
    story.save("two")
    story.life.started(2, story.now)
    story.save("three")
    story.life.load_failed(2, BAD, story.now)
    story.told()
    assert story.notes == [InService()]


def test_settings_that_cannot_be_read_are_told_and_the_old_version_stays() -> None:
    story = Story().serving()
    fault = LoadFailure("ConfigError", "/p/a.toml: limits.queue: must be a whole number", "/p/a.toml")
    story.life.content_changed(Content("/p/a.py", "python", "one", {}, fault), story.now)
    story.told()
    assert story.notes == [InService(), Failed(fault)]
    assert (story.life.state, story.life.serving, story.life.last_error) == ("degraded", 1, fault)


def test_a_crash_is_told_with_its_reason() -> None:
    story = Story().serving()
    story.life.exited(1, DIED, story.now)
    assert everything(story) == [Start(2, 1), StatusChanged(), Crashed(DIED)]


def test_the_end_of_an_old_version_is_no_crash() -> None:
    story = Story().serving()
    story.save("two")
    story.ready(2, 2)
    story.told()
    story.life.exited(1, DIED, story.now)
    assert everything(story) == []


def test_reload_lifts_quarantine_also_while_the_file_cannot_be_read() -> None:
    story = Story(Limits(restart_limit=1)).serving()
    story.life.exited(1, DIED, story.now)
    story.told()
    story.life.content_changed(Content("/p/a.py", "python", "", None, BAD), story.now)
    story.told()
    assert not story.life.has_prospect
    story.life.reload(story.now)
    assert story.told() == [Start(2, 1), StatusChanged()]
    assert story.life.state == "degraded"


class TestActivation:
    def loaded(self, story: Story, *, active: bool, reason: str = "") -> None:
        story.save("one")
        story.life.started(1, story.now)
        message = Loaded("a", 1, "d", "python", "1", (MethodSpec("m", {}),), active, reason)
        story.life.loaded(1, message, story.now, 5)

    def test_a_plugin_that_is_not_for_this_host_is_inactive_and_says_why(self) -> None:
        story = Story()
        self.loaded(story, active=False, reason="no disks")
        assert story.life.state == "inactive"
        assert story.life.version is not None
        assert (story.life.version.is_active, story.life.version.reason) == (False, "no disks")

    def test_it_may_change_its_mind(self) -> None:
        story = Story()
        self.loaded(story, active=False)
        story.told()
        story.life.activation(1, Activation(True, "disks came"), story.now)
        assert (story.life.state, story.told()) == ("ready", [StatusChanged()])
        story.life.activation(1, Activation(True, "disks came"), story.now)
        assert story.told() == []

    def test_only_the_worker_in_service_is_believed(self) -> None:
        story = Story().serving()
        story.life.activation(7, Activation(False), story.now)
        assert story.life.state == "ready"


class TestLimitsOfItsOwn:
    OPTIONS = Options("x", {"load_timeout": 3.0, "call_timeout": 500.0})

    def test_the_time_to_load_is_that_of_the_version_that_loads(self) -> None:
        story = Story()
        story.life.content_changed(Content("/p/a.py", "python", "one", {}, None, self.OPTIONS), story.now)
        story.life.started(1, story.now)
        assert story.life.next_deadline() == story.now + 3.0
        story.wait(3.0)
        assert story.life.last_error is not None
        text = "loading took longer than 3 s and was stopped; the log shows where it was"
        assert story.life.last_error.text == text

    def test_the_time_to_drain_is_that_of_the_version_that_drains(self) -> None:
        story = Story()
        story.life.content_changed(Content("/p/a.py", "python", "one", {}, None, self.OPTIONS), story.now)
        story.ready(1)
        assert story.life.limits.call_timeout == 500.0
        story.save("two")
        story.ready(2, 2)
        assert Drain(1) in story.told()
        assert story.life.next_deadline() == story.now + 500.0
        assert story.life.limits == LIMITS
        assert story.life.content == content("two")
