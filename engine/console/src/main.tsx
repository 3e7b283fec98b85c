import "./style/tokens.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/pages.css";
import "./style/workbench.css";

import { render } from "preact";

// What most pages are made of comes with the frame: each by itself would be a file to be fetched.
import "./parts/json.tsx";
import "./parts/json-text.ts";
import "./parts/status.tsx";
import "./parts/table.tsx";
import "./parts/time.tsx";
import "./parts/wire-headers.ts";

import { begin } from "./data/early.ts";
import { App, ME } from "./shell/app.tsx";
import { watchChords } from "./shell/keys.ts";
import { beginPage, pageAt } from "./shell/pages.ts";
import { followLinks, place } from "./shell/place.ts";

begin(ME);
const here = pageAt(place.value.pathname);
// Nothing of a page is drawn before it is known who asks; all of it can be on its way.
if (here !== undefined) beginPage(here, place.value.searchParams).catch(() => undefined);
followLinks((path) => pageAt(path) !== undefined);
watchChords();
const root = document.getElementById("console");
if (root !== null) render(<App />, root);
