"""From what is known of a dossier to counters of units and civil days."""
