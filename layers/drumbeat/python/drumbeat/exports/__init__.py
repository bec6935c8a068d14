"""Exports: what a tenant has, as files that it can take elsewhere. Written in slices that may be done twice."""
