"""The first practice: three clinicians, one-screen payments."""

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

MARA, JONAS, PRIYA = "Mara Feldt", "Jonas Adeyemi", "Priya Castellan"
ANXIETY = (("F41.1", "Generalized anxiety disorder"),)
ADJUSTMENT = (("F43.23", "Adjustment disorder with mixed anxiety and depressed mood"),)
DEPRESSION = (("F33.1", "Major depressive disorder, recurrent, moderate"),)
TRAUMA = (("F43.12", "Post-traumatic stress disorder, chronic"),)

WILLOW_CREEK = PracticePart(
    name="Willow Creek Therapy",
    slug="willow-creek",
    connector="test_inline",
    fields={
        "phone": "+13035550142",
        "email": "hello@willowcreek.example.org",
        "street": "418 SE Alder Street, Suite 3",
        "city": "Golden",
        "state": "CO",
        "postal_code": "80401",
        "tax_id": "93-1234567",
        "timezone": "America/Denver",
        "accent": "#0f5e5c",
        "discreet_label": "WILLOW CREEK",
        "invoice_prefix": "WC-",
    },
    clinicians=(
        ClinicianPart(MARA, "LCSW", "110401286", "L70412"),
        ClinicianPart(JONAS, "PhD", "120401977", "3318"),
        ClinicianPart(PRIYA, "LMFT", "190407732", "T1906"),
    ),
    staff=(
        StaffPart("owner", MARA, "settings, the payment switch, everything at the desk", clinician=MARA),
        StaffPart("biller", "Joan Petrie", "record a service, invoice it, see payments arrive"),
        StaffPart("clinician", JONAS, "the desk of a clinician: own clients only", clinician=JONAS),
        StaffPart("front desk", "Kit Lowell", "clients and payments, without diagnoses"),
        StaffPart("read-only", "Sol Varga", "the accountant's view: everything to see, nothing to change"),
    ),
    locations=(
        {
            "name": "Alder Street",
            "street": "418 SE Alder Street, Suite 3",
            "city": "Golden",
            "state": "CO",
            "postal_code": "80401",
            "place_of_service": "11",
        },
        {"name": "Video", "place_of_service": "10"},
    ),
    catalogue=(
        Item("IND50", "Individual session, 50 minutes", 15_000),
        Item("IND80", "Individual session, 80 minutes", 22_000),
        Item("CPL60", "Couples session, 60 minutes", 18_500),
        Item("FAM50", "Family session, 50 minutes", 17_500),
        Item("CHD45", "Session for a child, 45 minutes", 14_000),
        Item("INT90", "First visit, 90 minutes", 24_000),
        Item("LTR", "Letter or form", 4_000, "item"),
        Item("LATE", "Late cancellation", 7_500, "late_cancel"),
        Item("MISS", "Missed appointment", 15_000, "no_show"),
    ),
    clients=(
        ClientPart("Ada", "Brook", "1988-04-12", MARA, "Ada Brook", (Visits("IND50"),), ANXIETY, sex="F"),
        ClientPart(
            "Mia", "Vance", "2014-09-30", PRIYA, "Mia Vance", (Visits("CHD45", 7, 22),), ADJUSTMENT, sex="F"
        ),
        ClientPart(
            "Leo", "Vance", "2016-02-11", PRIYA, "Leo Vance", (Visits("CHD45", 14, 24),), ADJUSTMENT, sex="M"
        ),
        ClientPart("Rhea", "Vale", "1985-07-19", PRIYA, "Rhea and Tom Vale", (Visits("CPL60", 14, 24),), sex="F"),
        ClientPart(
            "Thomas",
            "Vale",
            "1983-11-02",
            JONAS,
            "Rhea and Tom Vale",
            (Visits("IND50", 14, 12),),
            ANXIETY,
            preferred="Tom Vale",
            sex="M",
        ),
        ClientPart(
            "Eli",
            "Marsh",
            "2012-06-05",
            PRIYA,
            "Dana Marsh",
            (Visits("CHD45", 7, 18),),
            ADJUSTMENT,
            sex="M",
            shares=(("Dana Marsh", 6_000), ("Peter Marsh", 4_000)),
        ),
        ClientPart(
            "Victor",
            "Hale",
            "1979-01-23",
            JONAS,
            "Victor Hale",
            (Visits("IND50", 7, 25), Visits("IND80", 7, 21)),
            TRAUMA,
            sex="M",
        ),
        ClientPart(
            "Ines", "Coral", "1994-12-08", MARA, "Ines Coral", (Visits("IND50", 14, 24),), DEPRESSION, sex="F"
        ),
        ClientPart("Owen", "Pike", "1991-03-17", JONAS, "Owen Pike", (Visits("IND50", 7, 10),), ANXIETY, sex="M"),
        ClientPart(
            "Lena", "Frost", "1976-08-27", MARA, "Lena Frost", (Visits("IND50", 14, 22),), DEPRESSION, sex="F"
        ),
        ClientPart(
            "Samir",
            "Dunn",
            "1989-10-14",
            MARA,
            "Samir Dunn",
            (Visits("IND50", 7, 18, insurer=11_000, place="10"),),
            ANXIETY,
            sex="M",
        ),
        ClientPart(
            "Greta",
            "Lund",
            "1969-05-31",
            MARA,
            "Greta Lund",
            (Visits("IND50", 14, 20),),
            TRAUMA,
            sex="F",
            payments_allowed=False,
        ),
        ClientPart(
            "Ben", "Ashby", "1997-02-20", JONAS, "Ben Ashby", (Visits("IND50", 14, 16),), DEPRESSION, sex="M"
        ),
        ClientPart("Iris", "Moon", "2000-11-11", PRIYA, "Iris Moon", sex="X"),
    ),
    payers=(
        PayerPart(
            "client",
            "Ada Brook",
            "pay one service or several, by a saved card or a new one",
            (GrantPart("Ada Brook", "Ada Brook"),),
        ),
        PayerPart(
            "parent",
            "Nora Vance",
            "switch between two children, and to the other practice",
            (GrantPart("Mia Vance", "Mia Vance", "guardian"), GrantPart("Leo Vance", "Leo Vance", "guardian")),
        ),
        PayerPart(
            "client",
            "Rhea Vale",
            "a couple that shares one account",
            (
                GrantPart("Rhea Vale", "Rhea and Tom Vale"),
                GrantPart("Thomas Vale", "Rhea and Tom Vale", "payer", False, False),
            ),
        ),
        PayerPart(
            "client",
            "Tom Vale",
            "the other half of the couple",
            (
                GrantPart("Thomas Vale", "Rhea and Tom Vale"),
                GrantPart("Rhea Vale", "Rhea and Tom Vale", "payer", False, False),
            ),
        ),
        PayerPart(
            "parent",
            "Dana Marsh",
            "60 % of each session, with superbills",
            (GrantPart("Eli Marsh", "Dana Marsh", "guardian"),),
        ),
        PayerPart(
            "payer",
            "Peter Marsh",
            "40 % of the same sessions; sees amounts, no superbill, no diagnosis",
            (GrantPart("Eli Marsh", "Peter Marsh", "payer", False, False),),
        ),
        PayerPart(
            "client",
            "Victor Hale",
            "a long list of overdue services, over two pages",
            (GrantPart("Victor Hale", "Victor Hale"),),
        ),
        PayerPart(
            "client",
            "Ines Coral",
            "nothing due; everything in Payment History",
            (GrantPart("Ines Coral", "Ines Coral"),),
        ),
        PayerPart(
            "client",
            "Owen Pike",
            "a late-cancel fee and a missed appointment",
            (GrantPart("Owen Pike", "Owen Pike"),),
        ),
        PayerPart("client", "Lena Frost", "a credit on the account", (GrantPart("Lena Frost", "Lena Frost"),)),
        PayerPart(
            "client",
            "Samir Dunn",
            "an insurer pays most of it; one payment was partly refunded",
            (GrantPart("Samir Dunn", "Samir Dunn"),),
        ),
        PayerPart(
            "client",
            "Greta Lund",
            "the practice turned online payments off for this client",
            (GrantPart("Greta Lund", "Greta Lund"),),
        ),
        PayerPart("client", "Ben Ashby", "a card that was declined", (GrantPart("Ben Ashby", "Ben Ashby"),)),
        PayerPart(
            "client",
            "Iris Moon",
            "a new client to whom nothing was billed yet",
            (GrantPart("Iris Moon", "Iris Moon"),),
        ),
    ),
    habits={
        "Ada Brook": Habit.BEHIND,
        "Mia Vance": Habit.BEHIND,
        "Leo Vance": Habit.OPEN,
        "Rhea and Tom Vale": Habit.PARTLY,
        "Dana Marsh": Habit.PAYS_LATE,
        "Peter Marsh": Habit.STOPPED,
        "Victor Hale": Habit.STOPPED,
        "Ines Coral": Habit.PAYS_ALL,
        "Owen Pike": Habit.BEHIND,
        "Lena Frost": Habit.PAYS_LATE,
        "Samir Dunn": Habit.REFUNDED,
        "Greta Lund": Habit.OPEN,
        "Ben Ashby": Habit.DECLINED,
    },
)
