"""The tables of the standard that de-identification goes by."""
