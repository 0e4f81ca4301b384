"""From a gather of records to readings of an event: the chain that training and serving share."""
