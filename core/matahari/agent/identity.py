"""Who this host is: its name and its UUIDs of five lifetimes.

======================  ==========================================================  ===================
lifetime                where from                                                  lives as long as
======================  ==========================================================  ===================
Filesystem (also "")    machine-id, else D-Bus's, else one made and kept in the      the installation
                        state directory
Hardware                SMBIOS, else a virtual machine's device tree, else the       the machine
                        instance id that cloud-init stored
Reboot                  the kernel's boot id                                        until the next boot
Agent                   made at start                                               the process
Custom                  the file that ``set_uuid`` writes                           until changed
======================  ==========================================================  ===================

Other than in 2012:

- Reboot is ``/proc/sys/kernel/random/boot_id``. A file of our own below ``/run`` gave two answers when
  two agents started at once, none when it could not be written, and containers kept it over a restart.
- Hardware needs neither ``dmidecode`` nor the network: the kernel shows the same SMBIOS field as a file,
  and cloud-init keeps the instance id. A request to the metadata address costs seconds outside of a
  cloud, and whoever answers at that address would choose our identity.
- A file that cannot be read is "none"; in 2012 its error message became the UUID.
- A host without a machine-id gets one of its own, so that two such hosts are not one to the consoles.
- Custom is read at every use, so that all agents of a host tell the same.

The texts ``not-available`` and ``invalid-lifetime`` stay, because consoles of 2012 look for them.

Source: matahari-2012.md 4.2 and 4.3
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matahari.agent._uuid import cloud_instance_id, first_line, machine_id, smbios_uuid, write_atomically

__all__ = ["INVALID_LIFETIME", "NOT_AVAILABLE", "NOT_SETTABLE", "Identity", "IdentityFiles"]

_log = logging.getLogger(__name__)

NOT_AVAILABLE = "not-available"
INVALID_LIFETIME = "invalid-lifetime"

NOT_SETTABLE = 23
"""What ``set_uuid`` returns for lifetimes that cannot be set (GLib's "not implemented" file error)."""

MAX_CUSTOM_BYTES = 255
"""Longest custom UUID; it travels as a short string of the QMF schema."""

_WRITE_FAILED = 24
# Source: GLib, enumeration GFileError; consoles of 2012 know these numbers.
_WRITE_ERRORS = {
    errno.EISDIR: 1,
    errno.EACCES: 2,
    errno.ENAMETOOLONG: 3,
    errno.ENOENT: 4,
    errno.ENOTDIR: 5,
    errno.EROFS: 8,
    errno.ELOOP: 11,
    errno.ENOSPC: 12,
    errno.EIO: 21,
    errno.EPERM: 22,
}


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """Where the UUIDs are.

    Attributes:
        custom: file of the Custom UUID, read and written.
        generated: file of the Filesystem UUID of a host that has none, made at the first need.
        legacy_custom: the file of 2012, read while ``custom`` does not exist; None to ignore it.
        machine_ids: candidates for Filesystem, the best one first.
        hardware: candidates for Hardware that hold a UUID.
        instance_id: cloud-init's file, for Hardware.
        boot_id: file of the Reboot UUID.
    """

    custom: Path
    generated: Path
    legacy_custom: Path | None = None
    machine_ids: tuple[Path, ...] = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
    hardware: tuple[Path, ...] = (
        Path("/sys/class/dmi/id/product_uuid"),
        Path("/sys/firmware/devicetree/base/vm,uuid"),
    )
    instance_id: Path = Path("/var/lib/cloud/data/instance-id")
    boot_id: Path = Path("/proc/sys/kernel/random/boot_id")

    @classmethod
    def of_host(cls, state: Path, custom: Path, *, uid: int) -> IdentityFiles:
        """The real files.

        Args:
            state: the state directory.
            custom: file of the Custom UUID.
            uid: the user who runs the agent. Only root's agent speaks for the machine, so only it
                takes over what ``set_uuid`` of 2012 wrote to ``/etc/custom-machine-id``.
        """
        legacy = Path("/etc/custom-machine-id") if uid == 0 else None
        return cls(custom=custom, generated=state / "machine-id", legacy_custom=legacy)


class Identity:
    """The identity of the host that this process runs on; one object a process.

    Args:
        files: where the UUIDs are.
        hostname: name to use instead of the system's.
        system_hostname: gives the system's name.
        make_uuid: gives a new random UUID (Agent, and Filesystem of a host that has none).
    """

    def __init__(
        self,
        files: IdentityFiles,
        *,
        hostname: str | None = None,
        system_hostname: Callable[[], str] = socket.gethostname,
        make_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        self._files = files
        self._make_uuid = make_uuid
        self._agent_uuid = str(make_uuid())
        self._filesystem_uuid = self._read_filesystem()
        self._hardware_uuid = self._read_hardware()
        self._reboot_uuid = first_line(files.boot_id)
        self._hostname = hostname or self._name_of_host(system_hostname())
        self._lifetimes: dict[str, Callable[[], str | None]] = {
            "": lambda: self._filesystem_uuid,
            "filesystem": lambda: self._filesystem_uuid,
            "hardware": lambda: self._hardware_uuid,
            "reboot": lambda: self._reboot_uuid,
            "agent": lambda: self._agent_uuid,
            "custom": self._read_custom,
        }

    @property
    def hostname(self) -> str:
        """The name under which this host appears; it stays the same for the life of the process."""
        return self._hostname

    @property
    def uuid(self) -> str:
        """The Filesystem UUID, by which consoles tell hosts apart; ``not-available`` when there is none."""
        return self._filesystem_uuid or NOT_AVAILABLE

    def get_uuid(self, lifetime: str) -> str:
        """The UUID of ``lifetime`` (any case, empty for Filesystem), or one of the two texts that mean none."""
        read = self._lifetimes.get(lifetime.lower())
        return INVALID_LIFETIME if read is None else read() or NOT_AVAILABLE

    def set_uuid(self, lifetime: str, value: str) -> int:
        """Keep ``value`` as the UUID of lifetime Custom; the empty text removes it.

        The format is the user's affair, as in 2012, but it has to be one printable line.

        Returns:
            0 when it is stored, ``NOT_SETTABLE`` for another lifetime, else the number of GLib's
            file error; then the old value stays.

        Raises:
            ValueError: ``value`` is too long or not one printable line.
        """
        if lifetime.lower() != "custom":
            return NOT_SETTABLE
        if len(value.encode()) > MAX_CUSTOM_BYTES or not value.isprintable() or value != value.strip():
            raise ValueError(f"a custom UUID is one line of at most {MAX_CUSTOM_BYTES} bytes without blanks around it")
        try:
            write_atomically(self._files.custom, value)
        except OSError as error:
            _log.error("cannot write the custom UUID to %s: %s", self._files.custom, error.strerror)
            return _WRITE_ERRORS.get(error.errno or 0, _WRITE_FAILED)
        return 0

    def _name_of_host(self, name: str) -> str:
        # 4.2: every unconfigured machine is called localhost, so the name would tell nobody anything.
        return self._filesystem_uuid if name == "localhost" and self._filesystem_uuid else name

    def _read_filesystem(self) -> str | None:
        for path in (*self._files.machine_ids, self._files.generated):
            if found := machine_id(path):
                return found
        made = self._make_uuid().hex
        try:
            write_atomically(self._files.generated, made)
        except OSError as error:
            _log.warning("this host has no machine-id, and none can be kept in %s: %s", self._files.generated, error)
            return None
        _log.info("this host has no machine-id; made one in %s", self._files.generated)
        return made

    def _read_hardware(self) -> str | None:
        for path in self._files.hardware:
            if found := smbios_uuid(path):
                return found
        return cloud_instance_id(self._files.instance_id)

    def _read_custom(self) -> str | None:
        legacy = self._files.legacy_custom
        if legacy is not None and not os.path.lexists(self._files.custom):
            return first_line(legacy)
        return first_line(self._files.custom)
