"""The practice, its locations and clinicians, their identifiers, settings and switches."""
