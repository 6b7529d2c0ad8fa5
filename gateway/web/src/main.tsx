import { render } from "solid-js/web";

import { App } from "./app";
import "./style.css";

const root = document.getElementById("app");
if (root === null) throw new Error("The page has no place for the app.");
render(() => <App />, root);
