"""What in a section the event type is predicted from."""
