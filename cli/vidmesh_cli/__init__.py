"""The `vidmesh` command: runs a mesh on this machine and talks to any."""
