"""Forms of our own records: rows of dossiers, messages between the workers."""
