import { afterAll } from "bun:test";

import { stopSharedParts } from "./teardown.ts";

// Preloaded by bunfig.toml, so this runs once, after the last file, whether tests passed or failed.
afterAll(stopSharedParts, 60_000);
