"""Importing contacts from a CSV file, in slices that may be done twice."""
