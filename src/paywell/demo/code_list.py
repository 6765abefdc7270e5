"""An excerpt of ICD-10-CM, which the CDC publishes freely, so that the demonstration's search finds something."""

from __future__ import annotations

from datetime import date
from typing import Final

from paywell.codes.actions import install_release
from paywell.codes.order_file import OrderLine, Period

NAME: Final = "Excerpt for the demonstration"
_HEADINGS: Final = (
    ("F32", "Depressive episode"),
    ("F33", "Major depressive disorder, recurrent"),
    ("F41", "Other anxiety disorders"),
    ("F43.1", "Post-traumatic stress disorder (PTSD)"),
    ("F43.2", "Adjustment disorders"),
    ("F43.8", "Other reactions to severe stress"),
)
_CODES: Final = (
    ("F10.21", "Alcohol dependence, in remission"),
    ("F32.0", "Major depressive disorder, single episode, mild"),
    ("F32.1", "Major depressive disorder, single episode, moderate"),
    ("F32.A", "Depression, unspecified"),
    ("F33.0", "Major depressive disorder, recurrent, mild"),
    ("F33.1", "Major depressive disorder, recurrent, moderate"),
    ("F34.1", "Dysthymic disorder"),
    ("F40.10", "Social phobia, unspecified"),
    ("F41.0", "Panic disorder [episodic paroxysmal anxiety]"),
    ("F41.1", "Generalized anxiety disorder"),
    ("F41.9", "Anxiety disorder, unspecified"),
    ("F42.2", "Mixed obsessional thoughts and acts"),
    ("F43.10", "Post-traumatic stress disorder, unspecified"),
    ("F43.11", "Post-traumatic stress disorder, acute"),
    ("F43.12", "Post-traumatic stress disorder, chronic"),
    ("F43.21", "Adjustment disorder with depressed mood"),
    ("F43.22", "Adjustment disorder with anxiety"),
    ("F43.23", "Adjustment disorder with mixed anxiety and depressed mood"),
    ("F43.81", "Prolonged grief disorder"),
    ("F51.01", "Primary insomnia"),
    ("F84.0", "Autistic disorder"),
    ("F90.2", "Attention-deficit hyperactivity disorder, combined type"),
    ("Z63.0", "Problems in relationship with spouse or partner"),
    ("Z73.3", "Stress, not elsewhere classified"),
)


def install(today: date) -> None:
    """As an excerpt: what it lacks is not called wrong. For all days that the demonstration tells of."""
    lines = [OrderLine(code, False, words) for code, words in _HEADINGS]
    lines += [OrderLine(code, True, words) for code, words in _CODES]
    period = Period(NAME, date(today.year - 1, 1, 1), date(today.year + 1, 12, 31))
    install_release(lines=lines, period=period, source="demo", is_complete=False)
