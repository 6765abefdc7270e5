"""The practice, its locations and clinicians, settings and switches."""
