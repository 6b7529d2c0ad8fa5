"""What can be typed after `vidmesh`: signatures and help alone, so that they load at once."""
