"""Code sets that belong to no practice: ICD-10-CM by release, places of service by date."""
