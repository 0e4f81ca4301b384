"""How figures for people are drawn; `workers.figures` is the door."""
