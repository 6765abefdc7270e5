"""The WSGI entry point that the web server loads."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.production")
application = get_wsgi_application()

from paywell.config.checks import refuse_unsafe_start  # noqa: E402
from paywell.config.first_start import announce_setup  # noqa: E402

refuse_unsafe_start()
announce_setup()

# What stands now stays until the process ends: the collector need not look through it in the middle of a request.
gc.collect()
gc.freeze()
