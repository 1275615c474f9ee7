"""The life of a plugin, as conversations: what happens, and which commands must follow."""

from __future__ import annotations

import math
import signal

from matahari.hostproto import Loaded, MethodSpec
from matahari.rpcagent import Limits
from matahari.rpcagent.orders import Content, Drain, Gone, ParentStuck, Start, StatusChanged, Switch, Terminate
from tests.support.plugin_story import BAD, DIED, Story, content, loaded


class TestLoading:
    def test_the_first_load(self) -> None:
        story = Story()
        story.save("one")
        assert story.told() == [Start(1, 1), StatusChanged()]
        assert (story.life.state, story.life.is_settled, story.life.has_prospect) == ("loading", False, True)
        assert story.life.started(1, story.now) == content("one")
        story.life.loaded(1, loaded(1), story.now, 5)
        switch, changed = story.told()
        assert isinstance(switch, Switch)
        assert (switch.worker, switch.version.generation, switch.version.loaded_ns) == (1, 1, 5)
        assert changed == StatusChanged()
        assert (story.life.state, story.life.serving, story.life.is_settled) == ("ready", 1, True)
        assert story.life.next_deadline() == math.inf

    def test_a_save_switches_and_then_drains_the_old_worker(self) -> None:
        story = Story().serving()
        story.save("two")
        assert story.told() == [Start(2, 2)]
        assert (story.life.state, story.life.serving) == ("ready", 1)
        story.ready(2, 2)
        switch, drain, changed = story.told()
        assert isinstance(switch, Switch)
        assert (switch.worker, drain, changed) == (2, Drain(1), StatusChanged())
        assert story.life.workers == {1, 2}
        story.life.exited(1, DIED, story.now)
        assert story.told() == []
        assert (story.life.workers, story.life.state) == ({2}, "ready")

    def test_a_broken_save_changes_only_state_and_error(self) -> None:
        story = Story().serving()
        story.save("two")
        story.told()
        story.life.started(2, story.now)
        story.life.load_failed(2, BAD, story.now)
        assert story.told() == [Terminate(2, signal.SIGTERM), StatusChanged()]
        assert (story.life.state, story.life.last_error, story.life.serving) == ("degraded", BAD, 1)
        assert story.life.generation == 1
        story.life.exited(2, DIED, story.now)
        assert story.told() == []
        story.save("three")
        story.ready(3, 2)
        assert (story.life.state, story.life.last_error) == ("ready", None)

    def test_a_first_load_that_fails_leaves_a_failed_plugin(self) -> None:
        story = Story()
        story.save("one")
        story.life.load_failed(1, BAD, story.now)
        assert (story.life.state, story.life.has_prospect, story.life.is_settled) == ("failed", False, True)
        story.save("two")
        assert story.life.last_error == BAD  # until it is known to be better
        story.ready(2)
        assert story.life.is_settled
        assert story.life.version is not None

    def test_a_process_that_ends_while_it_loads_is_a_failed_load(self) -> None:
        story = Story()
        story.save("one")
        story.life.exited(1, DIED, story.now)
        assert (story.life.state, story.life.last_error) == ("failed", DIED)

    def test_a_worker_that_cannot_be_made_is_a_failed_load(self) -> None:
        story = Story()
        story.save("one")
        story.life.not_started(1, DIED, story.now)
        assert (story.life.state, story.life.workers) == ("failed", set())

    def test_a_load_that_hangs_is_stopped_at_its_limit_and_harder_and_harder(self) -> None:
        story = Story()
        story.save("one")
        assert story.life.next_deadline() == math.inf  # it still waits for its turn
        story.life.started(1, story.now)
        story.told()
        assert story.life.next_deadline() == story.now + 10.0
        story.wait(10.0)
        assert story.told() == [Terminate(1, signal.SIGTERM), StatusChanged()]
        assert story.life.last_error is not None
        text = "loading took longer than 10 s and was stopped; the log shows where it was"
        assert story.life.last_error.text == text
        story.wait(1.0)
        assert story.told() == [Terminate(1, signal.SIGKILL)]
        story.wait(1.0)
        assert story.told() == [ParentStuck(1)]
        assert story.life.next_deadline() == math.inf

    def test_a_load_that_comes_too_late_is_ignored(self) -> None:
        story = Story()
        story.save("one")
        story.life.started(1, story.now)
        story.wait(10.0)
        story.told()
        story.life.loaded(1, loaded(1), story.now, 5)
        story.life.load_failed(1, BAD, story.now)
        assert (story.told(), story.life.state) == ([], "failed")

    def test_what_cannot_be_read_is_not_loaded(self) -> None:
        story = Story().serving()
        story.life.content_changed(Content("/p/a.py", "python", "", None, BAD), story.now)
        assert story.told() == [StatusChanged()]
        assert (story.life.state, story.life.last_error) == ("degraded", BAD)
        story.life.reload(story.now)
        assert story.told() == []

    def test_a_reload_of_the_same_file_is_a_new_generation(self) -> None:
        story = Story().serving()
        story.life.reload(story.now)
        assert story.life.is_loading_newest
        assert story.told() == [Start(2, 2)]


class TestSavingWhileLoading:
    def test_a_load_that_waits_for_its_turn_takes_the_newest(self) -> None:
        story = Story()
        story.save("one")
        story.save("two")
        assert story.life.started(1, story.now) == content("two")
        story.life.loaded(1, loaded(1), story.now, 5)
        assert story.life.is_settled

    def test_a_running_load_is_finished_and_the_newest_follows(self) -> None:
        story = Story()
        story.save("one")
        story.life.started(1, story.now)
        story.save("two")
        story.save("three")
        story.told()
        story.life.loaded(1, loaded(1), story.now, 5)
        assert [type(command) for command in story.told()] == [Switch, Start, StatusChanged]
        assert story.life.started(2, story.now) == content("three")

    def test_a_running_load_that_fails_is_not_reported_when_a_newer_one_follows(self) -> None:
        story = Story().serving()
        story.save("two")
        story.life.started(2, story.now)
        story.save("three")
        story.life.load_failed(2, BAD, story.now)
        assert StatusChanged() not in story.told()
        story.ready(3, 2)
        assert (story.life.state, story.life.last_error) == ("ready", None)

    def test_a_running_load_that_takes_long_gives_way(self) -> None:
        story = Story()
        story.save("one")
        story.life.started(1, story.now)
        story.save("two")
        story.told()
        story.wait(1.0)
        assert story.told() == [Terminate(1, signal.SIGTERM), Start(2, 1)]
        assert story.life.state == "loading"

    def test_too_many_old_generations_make_the_next_load_wait(self) -> None:
        story = Story().serving()
        for worker in (2, 3):
            story.save(f"v{worker}")
            story.ready(worker, worker)
        story.told()
        story.save("v4")
        assert story.told() == []
        assert not story.life.is_settled
        story.life.exited(1, DIED, story.now)
        assert story.told() == [Start(4, 4)]


class TestCrashes:
    def test_the_first_crash_is_repaired_at_once_with_the_same_generation(self) -> None:
        story = Story().serving()
        story.life.exited(1, DIED, story.now)
        assert story.told() == [Start(2, 1), StatusChanged()]
        assert (story.life.state, story.life.last_error, story.life.has_prospect) == ("degraded", DIED, True)
        story.ready(2)
        assert (story.life.state, story.life.last_error, story.life.generation) == ("ready", None, 1)

    def test_crashes_in_a_row_are_repaired_later_and_later_and_then_not_at_all(self) -> None:
        story = Story().serving()
        story.life.exited(1, DIED, story.now)
        story.ready(2)
        story.life.exited(2, DIED, story.now)
        assert story.life.next_deadline() == story.now + 0.25
        story.wait(0.25)
        story.ready(3)
        story.told()
        story.life.exited(3, DIED, story.now)
        assert story.told() == [StatusChanged()]
        assert (story.life.state, story.life.has_prospect, story.life.last_error) == ("quarantined", False, DIED)
        assert story.life.next_deadline() == math.inf

    def test_a_save_or_a_reload_lifts_the_quarantine(self) -> None:
        for is_save in (True, False):
            story = Story(Limits(restart_limit=1)).serving()
            story.life.exited(1, DIED, story.now)
            assert (story.life.state, story.life.has_prospect) == ("quarantined", False)
            if is_save:
                story.save("two")
            else:
                story.life.reload(story.now)
            story.ready(2, 2)
            assert (story.life.state, story.life.generation) == ("ready", 2)

    def test_a_worker_that_lived_long_did_not_crash_in_a_row(self) -> None:
        story = Story().serving()
        for worker in range(1, 10):
            story.wait(10.0)
            story.life.exited(worker, DIED, story.now)
            story.ready(worker + 1)
        assert story.life.state == "ready"

    def test_a_restart_that_fails_to_load_counts_as_a_crash(self) -> None:
        story = Story().serving()
        story.life.exited(1, DIED, story.now)
        story.life.started(2, story.now)
        story.life.load_failed(2, BAD, story.now)
        assert (story.life.state, story.life.last_error) == ("degraded", BAD)
        story.wait(0.25)
        story.life.exited(3, DIED, story.now)
        assert story.life.state == "quarantined"

    def test_the_older_version_comes_back_although_the_newest_is_broken(self) -> None:
        story = Story().serving()
        story.save("two")
        story.life.started(2, story.now)
        story.life.load_failed(2, BAD, story.now)
        story.told()
        story.life.exited(1, DIED, story.now)
        assert story.told() == [Start(3, 1)]
        assert story.life.started(3, story.now) == content("one")
        story.life.loaded(3, loaded(1), story.now, 6)
        assert (story.life.state, story.life.last_error) == ("degraded", BAD)

    def test_a_crash_while_the_newest_loads_waits_for_that(self) -> None:
        story = Story().serving()
        story.save("two")
        story.life.started(2, story.now)
        story.told()
        story.life.exited(1, DIED, story.now)
        assert story.told() == [StatusChanged()]
        story.life.load_failed(2, BAD, story.now)
        assert Start(3, 1) in story.told()  # then it is the older one's turn
        assert story.life.started(3, story.now) == content("one")

    def test_an_end_with_the_warm_parent_is_nobodys_fault(self) -> None:
        story = Story(Limits(restart_limit=1)).serving()
        story.save("two")
        story.life.started(2, story.now)
        story.told()
        for worker in (2, 1):
            story.life.exited(worker, DIED, story.now, is_own_fault=False)
        assert Start(3, 2) in story.told()
        story.ready(3, 2)
        assert (story.life.state, story.life.is_settled, story.life.workers) == ("ready", True, {3})
        story.life.exited(3, DIED, story.now, is_own_fault=False)
        assert Start(4, 2) in story.told()


class TestHungCalls:
    def test_a_hung_worker_is_relieved_before_it_is_ended(self) -> None:
        story = Story().serving()
        story.life.hung(1, story.now)
        assert story.told() == [Start(2, 1)]
        assert story.life.state == "ready"
        story.ready(2)
        assert [type(command) for command in story.told()][:2] == [Switch, Drain]
        assert story.life.draining == (1,)
        story.wait(5.0)
        assert story.told() == [Terminate(1, signal.SIGTERM)]

    def test_a_worker_with_nothing_but_hung_calls_is_ended_at_once(self) -> None:
        story = Story().serving()
        story.life.hung(1, story.now)
        story.ready(2)
        story.told()
        story.life.only_hung(1, story.now)
        story.life.only_hung(2, story.now)
        assert story.told() == [Terminate(1, signal.SIGTERM)]

    def test_a_hung_call_in_a_draining_worker_shortens_its_time(self) -> None:
        story = Story().serving()
        story.save("two")
        story.ready(2, 2)
        story.life.hung(1, story.now)
        assert story.life.next_deadline() == story.now + 5.0

    def test_relief_that_fails_leaves_the_hung_worker_in_service(self) -> None:
        story = Story().serving()
        story.life.hung(1, story.now)
        story.life.started(2, story.now)
        story.life.load_failed(2, BAD, story.now)
        assert (story.life.state, story.life.serving, story.life.is_settled) == ("degraded", 1, True)


class TestRemoval:
    def test_a_removed_plugin_drains_and_is_gone_when_its_worker_has_ended(self) -> None:
        story = Story().serving()
        story.life.removed(story.now)
        assert story.told() == [Drain(1)]
        assert (story.life.serving, story.life.has_prospect) == (None, False)
        story.life.exited(1, DIED, story.now)
        assert story.told() == [Gone()]
        story.life.handle_timeout(story.now)
        assert story.told() == []

    def test_a_removed_plugin_that_was_loading_is_stopped(self) -> None:
        story = Story()
        story.save("one")
        story.life.started(1, story.now)
        story.told()
        story.life.removed(story.now)
        assert story.told() == [Terminate(1, signal.SIGTERM)]
        story.life.loaded(1, loaded(1), story.now, 5)
        story.life.exited(1, DIED, story.now)
        assert story.told() == [Gone()]

    def test_stopping_gives_all_that_drains_less_time(self) -> None:
        story = Story().serving()
        story.save("two")
        story.ready(2, 2)
        story.life.removed(story.now, drain_timeout=3.0)
        story.told()
        story.wait(3.0)
        assert story.told() == [Terminate(1, signal.SIGTERM), Terminate(2, signal.SIGTERM)]

    def test_a_plugin_without_workers_is_gone_at_once(self) -> None:
        story = Story()
        story.save("one")
        story.life.load_failed(1, BAD, story.now)
        story.life.exited(1, DIED, story.now)
        story.told()
        story.life.removed(story.now)
        assert story.told() == [Gone()]

    def test_a_worker_without_means_to_run_calls_is_relieved_unless_it_has_relieved_another_just_now(self) -> None:
        story = Story().serving()
        story.life.exhausted(1, story.now)
        assert story.told() == []
        story.wait(10.0)
        story.life.exhausted(7, story.now)
        assert story.told() == []
        story.life.exhausted(1, story.now)
        assert story.told() == [Start(2, 1)]
        story.ready(2)
        story.told()
        story.life.exhausted(2, story.now)
        assert story.told() == []

    def test_a_replaced_worker_drains_as_long_as_its_methods_may_take(self) -> None:
        story = Story()
        story.save("one")
        story.life.started(1, story.now)
        slow = Loaded("a", 1, "d", "python", "1.0", (MethodSpec("m", {}, timeout=600.0),))
        story.life.loaded(1, slow, story.now, 5)
        story.save("two")
        story.ready(2, 2)
        assert story.life.next_deadline() == story.now + 600.0
