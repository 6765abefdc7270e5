from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "paywell.clients"
    label = "clients"

    def ready(self) -> None:
        from paywell.accounts import invitations
        from paywell.clients import actions

        invitations.register("contact", actions.link_contact)
