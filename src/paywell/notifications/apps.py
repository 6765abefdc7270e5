from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "paywell.notifications"
    label = "notifications"

    def ready(self) -> None:
        from paywell.notifications import agreed, reminders
        from paywell.notifications.handlers import HANDLERS
        from paywell.outbox import handlers

        for kind, handler in (HANDLERS | agreed.HANDLERS | {reminders.KIND: reminders.on_reminder_due}).items():
            handlers.register(kind, handler)
