"""Pictures that networks read: conditioning of records, styles, and the renderer."""
