// How a page scrolls by itself: smoothly, but for those who want no motion.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export const motion = (): ScrollBehavior => (calm.matches ? "instant" : "smooth");
