"""This room is the desk, where officials act behind sign-in: a process of its own, with rights of its own."""
