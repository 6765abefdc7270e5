"""The demonstration's settings without what it relaxes: staff need a second step, no page says it is a demo."""

from paywell.config.settings.demo import *  # noqa: F403

STAFF_SECOND_FACTOR_REQUIRED = True
IS_DEMO = False
