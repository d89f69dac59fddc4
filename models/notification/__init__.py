"""Notification says who is told of an alert, when, and at which address.

Its door: `Routing` finds mailboxes, `Outbox` decides what each is sent as a `Message`.
"""
