from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "paywell.accounts"
    label = "accounts"

    def ready(self) -> None:
        from paywell.accounts import actions, invitations

        invitations.register("staff", actions.accept_staff_invitation)
