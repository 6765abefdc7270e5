"""The desk's forms: one column, errors at the field and in a summary (templates/desk/parts/form.html)."""
