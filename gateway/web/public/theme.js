// Before the first paint, so that nothing flashes.
const theme = localStorage.getItem("vidmesh.theme");
if (theme) document.documentElement.dataset.theme = theme;
