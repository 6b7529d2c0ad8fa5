// Whether the page is too narrow for two columns: the width below which the style sheet has one.

import { createSignal } from "solid-js";

const query = matchMedia("(width < 1000px)");
const [narrow, setNarrow] = createSignal(query.matches);
query.addEventListener("change", () => setNarrow(query.matches));

export { narrow };
