from typing import Any

from django.db import migrations

#: What is invoiced on a service, by its lines: for those that stood before the triggers did.
FILL = """
    UPDATE care_service SET invoiced_minor = (
        SELECT SUM(l.amount_minor) FROM invoicing_invoiceline l
         WHERE l.service_id = care_service.id AND l.voided_at IS NULL)
     WHERE EXISTS (
        SELECT 1 FROM invoicing_invoiceline l WHERE l.service_id = care_service.id AND l.voided_at IS NULL)"""
ADD = "UPDATE care_service SET invoiced_minor = invoiced_minor {} NEW.amount_minor WHERE id = NEW.service_id;"
ON_INSERT = "AFTER INSERT ON invoicing_invoiceline FOR EACH ROW WHEN (NEW.voided_at IS NULL)"
ON_VOID = (
    "AFTER UPDATE ON invoicing_invoiceline FOR EACH ROW WHEN (OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL)"
)
TRIGGERS = (
    ("invoicing_invoiceline_invoiced", ON_INSERT, ADD.format("+")),
    ("invoicing_invoiceline_taken_back", ON_VOID, ADD.format("-")),
)


def keep(apps: Any, schema_editor: Any) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    if not is_sqlite:
        # Services before lines, as issuing takes them, so that neither waits for the other. From then until the
        # end nobody issues or voids; adding a trigger waits for whoever still does.
        schema_editor.execute("LOCK TABLE care_service IN EXCLUSIVE MODE", params=None)
    for name, when, change in TRIGGERS:
        if is_sqlite:
            schema_editor.execute(f"CREATE TRIGGER {name} {when} BEGIN {change} END", params=None)
            continue
        schema_editor.execute(
            f"CREATE FUNCTION paywell_{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {change} RETURN NULL; END $$",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION paywell_{name}()", params=None
        )
    schema_editor.execute(FILL, params=None)


def stop(apps: Any, schema_editor: Any) -> None:
    for name, _when, _change in TRIGGERS:
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}", params=None)
            continue
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON invoicing_invoiceline", params=None)
        schema_editor.execute(f"DROP FUNCTION IF EXISTS paywell_{name}()", params=None)


class Migration(migrations.Migration):
    """Whoever writes a line, also code from before the column: its service's `invoiced_minor` follows in the same
    transaction. Lines are frozen (`0002_frozen`), so that adding and voiding is all that can happen to one."""

    dependencies = [("invoicing", "0004_label_index"), ("care", "0008_invoiced_minor")]

    operations = [migrations.RunPython(keep, stop)]
