"""What happens: settings, topics, the Faust applications, feeds, the wallboard, the command line.

The imperative shell of lotrinh. Each agent decodes, calls the core (`models`) and writes.
"""
