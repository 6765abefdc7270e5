"""Services rendered and the practice's own service catalogue; diagnoses with their dates."""
