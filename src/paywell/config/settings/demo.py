"""The demonstration on this machine: plain http on 127.0.0.1, invented people, e-mails into a folder."""

from paywell.config.settings.base import *  # noqa: F403
from paywell.config.settings.base import VAR

SECRET_KEY = "demo-only-" + "x" * 50
SALT_KEY = ["demo-only-salt"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ALLOW_TEST_PROCESSORS = True
STAFF_SECOND_FACTOR_REQUIRED = False
IS_DEMO = True
EMAIL_BACKEND = "paywell.notifications.eml_backend.EmailBackend"
EMAIL_FILE_PATH = VAR / "emails"
#: Passkeys need a name, not an address: open the demo as http://localhost:8000 to try one.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
