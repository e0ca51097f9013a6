"""How gunicorn serves the web: a laptop's two cores by default, other numbers by WEB_PROCESSES and WEB_THREADS."""

import os
import socket
from typing import Any

# Two a core: connections stay with the process that took them, and one process computes on one core at most.
workers = int(os.environ.get("WEB_PROCESSES", "4"))
threads = int(os.environ.get("WEB_THREADS", "12"))
worker_class = "gthread"
# The application is set up once and shared; its pool connects only after the fork.
preload_app = True
# A worker that a bug has blocked is replaced; a request of ours never takes that long.
timeout = 60
graceful_timeout = 5
keepalive = 15
# Heartbeat files in memory: on a slow disk they would make healthy workers look dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
limit_request_line = 8190
limit_request_field_size = 8190
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"


def when_ready(server: Any) -> None:
    """Take a connection when something was asked: one that only waits would hold a thread for five seconds."""
    for listener in server.LISTENERS:
        if hasattr(socket, "TCP_DEFER_ACCEPT") and listener.sock.family != socket.AF_UNIX:
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, timeout)
