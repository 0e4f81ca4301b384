"""The vocabulary of seismology: ids, stations, records, geodesy, location, readings."""
