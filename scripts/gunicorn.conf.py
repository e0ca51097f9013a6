"""How gunicorn serves the web: a laptop's two cores by default, other numbers by WEB_PROCESSES and WEB_THREADS."""

import os

workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "24"))
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
