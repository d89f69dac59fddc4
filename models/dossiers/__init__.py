"""Events from the wire and what they say of a dossier."""
