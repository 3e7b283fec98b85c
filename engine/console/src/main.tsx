import "./style/tokens.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/pages.css";
import "./style/workbench.css";

import { render } from "preact";

import { App } from "./shell/app.tsx";
import { watchChords } from "./shell/keys.ts";
import { pageAt } from "./shell/pages.ts";
import { followLinks } from "./shell/place.ts";

followLinks((path) => pageAt(path) !== undefined);
watchChords();
const root = document.getElementById("console");
if (root !== null) render(<App />, root);
