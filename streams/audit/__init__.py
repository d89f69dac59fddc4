"""Why an alert was raised, and how rules fare on recorded years."""
