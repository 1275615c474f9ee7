"""Host name and UUID lifetimes (matahari-2012.md 4.2, 4.3 and 17.1; checklist 26, 27, 36 to 39)."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path

import pytest

from matahari.agent.identity import INVALID_LIFETIME, NOT_AVAILABLE, NOT_SETTABLE, Identity, IdentityFiles

MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"
OTHER_ID = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
PRODUCT = "4C4C4544-0042-3510-8052-B4C04F4E3132"
BOOT = "0f0e0d0c-0b0a-4908-8706-050403020100"


def files_in(folder: Path, **contents: str) -> IdentityFiles:
    """Identity files below ``folder``, of which those named hold a line."""
    for name, line in contents.items():
        (folder / name).write_text(line)
    return IdentityFiles(
        custom=folder / "state/custom",
        generated=folder / "state/machine-id",
        legacy_custom=folder / "legacy",
        machine_ids=(folder / "etc", folder / "dbus"),
        hardware=(folder / "dmi", folder / "devicetree"),
        instance_id=folder / "cloud",
        boot_id=folder / "boot",
    )


def identity_in(folder: Path, *, hostname: str | None = None, system: str = "web1", **contents: str) -> Identity:
    return Identity(files_in(folder, **contents), hostname=hostname, system_hostname=lambda: system)


class TestHostname:
    def test_it_is_the_systems_name_as_it_is(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, system="web1", etc=MACHINE_ID).hostname == "web1"

    def test_localhost_is_replaced_by_the_uuid(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, system="localhost", etc=MACHINE_ID).hostname == MACHINE_ID

    def test_a_configured_name_wins(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, hostname="named", system="localhost", etc=MACHINE_ID).hostname == "named"

    def test_it_is_read_once(self, tmp_path: Path) -> None:
        names = iter(["first", "second"])
        identity = Identity(files_in(tmp_path, etc=MACHINE_ID), system_hostname=lambda: next(names))
        assert (identity.hostname, identity.hostname) == ("first", "first")


class TestFilesystem:
    @pytest.mark.parametrize("lifetime", ["", "Filesystem", "filesystem", "FILESYSTEM"])
    def test_it_is_the_machine_id_and_what_no_lifetime_means(self, tmp_path: Path, lifetime: str) -> None:
        identity = identity_in(tmp_path, etc=f"{MACHINE_ID}\nsecond line\n", dbus=OTHER_ID)
        assert identity.get_uuid(lifetime) == MACHINE_ID
        assert identity.uuid == MACHINE_ID

    def test_the_machine_id_of_dbus_comes_second(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, dbus=OTHER_ID).uuid == OTHER_ID

    @pytest.mark.parametrize("line", ["", "\n", "uninitialized\n", "\x00\x01", MACHINE_ID[:-1]])
    def test_what_is_no_machine_id_is_passed_over(self, tmp_path: Path, line: str) -> None:
        assert identity_in(tmp_path, etc=line, dbus=OTHER_ID).uuid == OTHER_ID

    def test_a_host_without_one_makes_one_and_keeps_it(self, tmp_path: Path) -> None:
        first = identity_in(tmp_path).uuid
        assert uuid.UUID(first).hex == first
        assert identity_in(tmp_path).uuid == first

    def test_it_is_not_available_when_none_can_be_kept(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("in the way")
        identity = identity_in(tmp_path, system="localhost")
        assert identity.uuid == NOT_AVAILABLE
        assert identity.hostname == "localhost", "a text that is no UUID must not become a name"


class TestHardware:
    def test_it_is_the_smbios_uuid(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, etc=MACHINE_ID, dmi=f"{PRODUCT}\n").get_uuid("Hardware") == PRODUCT

    def test_a_device_tree_ends_in_a_zero_byte(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, etc=MACHINE_ID, devicetree=f"{PRODUCT}\0").get_uuid("hardware") == PRODUCT

    @pytest.mark.parametrize("digit", ["0", "F"])
    def test_a_uuid_that_the_maker_did_not_set_does_not_count(self, tmp_path: Path, digit: str) -> None:
        unset = str(uuid.UUID(digit * 32)).upper()
        assert identity_in(tmp_path, etc=MACHINE_ID, dmi=unset, cloud="i-0abc").get_uuid("hardware") == "i-0abc"

    def test_without_a_cloud_it_is_not_available(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, etc=MACHINE_ID).get_uuid("hardware") == NOT_AVAILABLE
        assert identity_in(tmp_path, cloud="iid-datasource-none").get_uuid("hardware") == NOT_AVAILABLE


def test_reboot_is_the_kernels_boot_id_for_the_life_of_the_process(tmp_path: Path) -> None:
    identity = identity_in(tmp_path, etc=MACHINE_ID, boot=f"{BOOT}\n")
    (tmp_path / "boot").unlink()
    assert identity.get_uuid("Reboot") == BOOT
    assert identity_in(tmp_path).get_uuid("reboot") == NOT_AVAILABLE


def test_agent_is_new_for_each_process_and_stays(tmp_path: Path) -> None:
    one, two = identity_in(tmp_path, etc=MACHINE_ID), identity_in(tmp_path)
    assert one.get_uuid("Agent") == one.get_uuid("agent") != two.get_uuid("agent")
    uuid.UUID(one.get_uuid("agent"))


def test_an_unknown_lifetime_is_told_by_its_text(tmp_path: Path) -> None:
    assert identity_in(tmp_path, etc=MACHINE_ID).get_uuid("lifetime") == INVALID_LIFETIME


class TestCustom:
    def test_it_is_not_available_until_set(self, tmp_path: Path) -> None:
        assert identity_in(tmp_path, etc=MACHINE_ID).get_uuid("Custom") == NOT_AVAILABLE

    def test_it_can_be_set_twice_and_survives_the_process(self, tmp_path: Path) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID)
        for text in ("A1b2C3d4E5f6G7h8I9j0", "zyxwvutsrqponmlkjihg"):
            assert identity.set_uuid("Custom", text) == 0
            assert identity.get_uuid("custom") == text
            assert identity_in(tmp_path).get_uuid("Custom") == text

    def test_every_identity_of_the_host_sees_the_change(self, tmp_path: Path) -> None:
        one, two = identity_in(tmp_path, etc=MACHINE_ID), identity_in(tmp_path)
        one.set_uuid("custom", "shared")
        assert two.get_uuid("custom") == "shared"

    def test_the_empty_text_removes_it_and_the_legacy_file_stays_hidden(self, tmp_path: Path) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID, legacy="old\n")
        assert identity.get_uuid("custom") == "old"
        assert identity.set_uuid("custom", "") == 0
        assert identity.get_uuid("custom") == NOT_AVAILABLE

    @pytest.mark.parametrize("lifetime", ["Hardware", "Reboot", "Filesystem", "Agent", "", "lifetime"])
    def test_no_other_lifetime_can_be_set(self, tmp_path: Path, lifetime: str) -> None:
        assert identity_in(tmp_path, etc=MACHINE_ID).set_uuid(lifetime, "x") == NOT_SETTABLE == 23

    @pytest.mark.parametrize("text", ["two\nlines", " blank before", "x" * 256, "bell\a", "ä" * 128])
    def test_what_is_not_one_short_line_is_refused(self, tmp_path: Path, text: str) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID)
        with pytest.raises(ValueError, match="one line of at most 255 bytes"):
            identity.set_uuid("custom", text)
        assert identity.get_uuid("custom") == NOT_AVAILABLE

    def test_a_failed_write_keeps_the_old_value_and_tells_glibs_number(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID)
        identity.set_uuid("custom", "old")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        assert identity.set_uuid("custom", "new") == 12
        assert identity.get_uuid("custom") == "old"
        assert [entry.name for entry in (tmp_path / "state").iterdir()] == ["custom"], "no temporary file is left"

    def test_a_file_where_the_directory_should_be_is_an_error_number(self, tmp_path: Path) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID)
        (tmp_path / "state").write_text("in the way")
        assert identity.set_uuid("custom", "new") not in (0, NOT_SETTABLE)

    def test_the_file_is_for_us_alone(self, tmp_path: Path) -> None:
        identity_in(tmp_path, etc=MACHINE_ID).set_uuid("custom", "x")
        assert stat.S_IMODE((tmp_path / "state/custom").stat().st_mode) == 0o600

    def test_a_pipe_in_its_place_does_not_block(self, tmp_path: Path) -> None:
        identity = identity_in(tmp_path, etc=MACHINE_ID)
        (tmp_path / "state").mkdir()
        os.mkfifo(tmp_path / "state/custom")
        assert identity.get_uuid("custom") == NOT_AVAILABLE


def test_only_roots_agent_takes_over_the_file_of_2012(tmp_path: Path) -> None:
    custom = tmp_path / "custom"
    assert IdentityFiles.of_host(tmp_path, custom, uid=0).legacy_custom == Path("/etc/custom-machine-id")
    assert IdentityFiles.of_host(tmp_path, custom, uid=1000).legacy_custom is None
    assert IdentityFiles.of_host(tmp_path, custom, uid=1000).generated == tmp_path / "machine-id"
