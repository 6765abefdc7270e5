from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "paywell.accounts"
    label = "accounts"

    def ready(self) -> None:
        from paywell.accounts import actions, idle, invitations

        idle.connect()
        invitations.register("staff", actions.accept_staff_invitation)
