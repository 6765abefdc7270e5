"""The second practice: two clinicians, payments in two steps."""

from __future__ import annotations

from paywell.demo.cast import (
    ClientPart,
    ClinicianPart,
    GrantPart,
    Habit,
    Item,
    PayerPart,
    PracticePart,
    StaffPart,
    Visits,
)

RUTH, THEO = "Ruth Lindqvist", "Theo Marchetti"

HARBOR_LIGHT = PracticePart(
    name="Harbor Light Counseling",
    slug="harbor-light",
    connector="test_two_step",
    fields={
        "phone": "+14015550117",
        "email": "desk@harborlight.example.org",
        "street": "77 Wharf Road",
        "city": "Providence",
        "state": "RI",
        "postal_code": "02903",
        "tax_id": "05-7654321",
        "timezone": "America/New_York",
        "accent": "#27508f",
        "discreet_label": "HARBOR LIGHT",
        "invoice_prefix": "HL-",
        "payment_terms_days": 30,
    },
    clinicians=(
        ClinicianPart(RUTH, "LMHC", "130408811", "MHC00981"),
        ClinicianPart(THEO, "PsyD", "140405526", "PS01277"),
    ),
    staff=(
        StaffPart("owner", RUTH, "the desk of a practice whose payments go in two steps", clinician=RUTH),
        StaffPart("biller", "Ida Brandt", "a batch of invoices, payments as they arrive"),
        StaffPart("clinician", THEO, "own clients only", clinician=THEO),
    ),
    locations=(
        {
            "name": "Wharf Road",
            "street": "77 Wharf Road",
            "city": "Providence",
            "state": "RI",
            "postal_code": "02903",
            "place_of_service": "11",
        },
    ),
    catalogue=(
        Item("H0004", "Counseling, each 15 minutes", 3_800),
        Item("H0031", "Assessment, first visit", 19_500),
        Item("T1017", "Care coordination, each 15 minutes", 2_200),
        Item("G0410", "Group session", 6_500),
        Item("LATE", "Late cancellation", 6_000, "late_cancel"),
    ),
    clients=(
        ClientPart(
            "Clara",
            "Wynn",
            "1982-03-03",
            RUTH,
            "Clara Wynn",
            (Visits("H0004", 7, 20, units=4),),
            (("F41.1", "Generalized anxiety disorder"), ("F51.01", "Primary insomnia")),
            sex="F",
        ),
        ClientPart(
            "Marcus",
            "Bell",
            "1971-10-22",
            THEO,
            "Marcus Bell",
            (Visits("G0410", 7, 16),),
            (("F10.21", "Alcohol dependence, in remission"),),
            sex="M",
        ),
        ClientPart(
            "Finn",
            "Stroud",
            "2010-08-16",
            THEO,
            "Helen Stroud",
            (Visits("H0004", 14, 22, units=3),),
            (("F90.2", "Attention-deficit hyperactivity disorder, combined type"),),
            sex="M",
        ),
        ClientPart(
            "Omar",
            "Reyes",
            "1990-01-29",
            RUTH,
            "Omar Reyes",
            (Visits("H0004", 14, 18, units=4, modifiers="GT", place="10"),),
            (("F32.1", "Major depressive disorder, single episode, moderate"),),
            sex="M",
        ),
        ClientPart(
            "Tess",
            "Quill",
            "2008-12-01",
            THEO,
            "Bayside Youth Fund",
            (Visits("T1017", 14, 16, units=2), Visits("H0004", 14, 16, units=4)),
            (("F43.21", "Adjustment disorder with depressed mood"),),
            sex="F",
        ),
        ClientPart(
            "Nora",
            "Vance",
            "1984-04-25",
            RUTH,
            "Nora Vance",
            (Visits("H0004", 14, 14, units=4),),
            (("F43.22", "Adjustment disorder with anxiety"),),
            sex="F",
        ),
    ),
    payers=(
        PayerPart(
            "client",
            "Clara Wynn",
            "pay in two steps, with cards that the processor keeps",
            (GrantPart("Clara Wynn", "Clara Wynn"),),
        ),
        PayerPart(
            "client",
            "Marcus Bell",
            "group sessions, each a small amount",
            (GrantPart("Marcus Bell", "Marcus Bell"),),
        ),
        PayerPart(
            "parent", "Helen Stroud", "pays for a teenager", (GrantPart("Finn Stroud", "Helen Stroud", "guardian"),)
        ),
        PayerPart(
            "client", "Omar Reyes", "a service that is partly paid", (GrantPart("Omar Reyes", "Omar Reyes"),)
        ),
        PayerPart(
            "payer",
            "Lou Hatch",
            "an agency pays; it sees amounts and nothing clinical",
            (GrantPart("Tess Quill", "Bayside Youth Fund", "payer", False, False),),
        ),
        PayerPart(
            "client",
            "Nora Vance",
            "the same sign-in as at the other practice",
            (GrantPart("Nora Vance", "Nora Vance"),),
        ),
    ),
    habits={
        "Clara Wynn": Habit.BEHIND,
        "Marcus Bell": Habit.PAYS_ALL,
        "Helen Stroud": Habit.STOPPED,
        "Omar Reyes": Habit.PARTLY,
        "Bayside Youth Fund": Habit.OPEN,
        "Nora Vance": Habit.PAYS_LATE,
    },
)
