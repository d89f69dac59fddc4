"""A dossier is what events from the wire say of it; this room decodes events and merges their facts.

Its door: `decode` returns an `Event` or a `Refused`; `merge` takes its facts into a `Dossier`.
"""
