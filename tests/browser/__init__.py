"""The browser code, checked against the processors' own type definitions where Node is at hand."""
