"""The mechanism under every vidmesh service; no module here knows what a video is."""
