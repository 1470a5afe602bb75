"""What an engine leaves behind when it dies is found and cleared."""

from __future__ import annotations

import subprocess

from helpers.engines.leftovers import kill, mounts, processes, short_folder
from helpers.support import need_root, need_tool


def test_a_process_with_its_child_a_mount_and_files_are_cleared() -> None:
    """A shell with a path of the folder on its command line plays a shim, and its child plays the container."""
    need_root("mounts a disk")
    with short_folder() as folder:
        disk = folder / "disk"
        disk.mkdir()
        subprocess.run([need_tool("mount"), "-t", "tmpfs", "tmpfs", str(disk)], check=True)
        (disk / "file").touch()
        script = ["sh", "-c", "sleep 30 & echo started; wait", str(folder / "socket")]
        with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as shim:
            assert shim.stdout is not None
            shim.stdout.readline()
            assert shim.pid in processes(folder)
            assert mounts(folder) == [str(disk)]
            kill(folder)
            shim.communicate(timeout=10)  # until nobody has its stdout any more: its child, too, is dead
    assert (mounts(folder), folder.exists()) == ([], False)
