"""Measurements of vidmesh: each against the raw library or a peer, in one run on one machine."""
