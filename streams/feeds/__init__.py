"""Where events come from besides the portals: files, and a simulated year of a province."""
