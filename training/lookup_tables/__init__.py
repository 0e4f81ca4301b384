"""Tables that serving looks values up in."""
