"""All notebooks within Binder's memory: a kernel that nobody uses ends before another one would need its room.

Binder guarantees a session 1 GB and stops a kernel at 2 GB; the kernels of all eleven notebooks take several. So the
one that has been idle longest ends when a further notebook is opened and the ones that run hold more than
``KEPT_MB``. Its notebook keeps all outputs; Run All Cells there starts a new kernel. One that is busy never ends.
"""

import psutil
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

# JupyterLab has 0.1 GB of it. What the largest notebooks need on top: tests/browser/bench_binder.py measures them.
KEPT_MB = 300


def memory_mb() -> float:
    """Return what JupyterLab holds, and all that it started; what they share is counted once."""
    total = 0
    server = psutil.Process()
    for process in [server, *server.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


class RoomForOneMore(AsyncMappingKernelManager):
    """JupyterLab's manager of kernels, which makes room before it starts one."""

    async def start_kernel(self, **options):
        """End idle kernels, the longest idle one first, until there is room; then start one."""
        while options.get("kernel_id") not in self and memory_mb() > KEPT_MB:
            idle = [kernel for kernel in self.list_kernels() if kernel["execution_state"] == "idle"]
            if not idle:
                break
            longest = min(idle, key=lambda kernel: kernel["last_activity"])["id"]
            self.log.warning("Ending kernel %s, idle longest, for the memory of another one", longest)
            await self.shutdown_kernel(longest)
        return await super().start_kernel(**options)


c = get_config()  # noqa: F821  JupyterLab gives it to its settings
c.ServerApp.kernel_manager_class = RoomForOneMore
