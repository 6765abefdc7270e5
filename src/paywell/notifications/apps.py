from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "paywell.notifications"
    label = "notifications"

    def ready(self) -> None:
        from paywell.notifications import agreed, card_requests, reminders
        from paywell.notifications.handlers import HANDLERS
        from paywell.outbox import handlers

        others = agreed.HANDLERS | card_requests.HANDLERS | {reminders.KIND: reminders.on_reminder_due}
        for kind, handler in (HANDLERS | others).items():
            handlers.register(kind, handler)
