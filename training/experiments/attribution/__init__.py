"""Attribution of the predicted event type to parts of the section."""
