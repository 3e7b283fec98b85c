/** `bun run api-files`: writes client/operations.ts and docs/API.md from the OpenAPI document of this version. */
import { join } from "node:path";

import { apiDocument } from "./api-document.ts";
import { apiPage } from "./api-page.ts";
import { clientTypes } from "./typed-operations.ts";

const root = join(import.meta.dir, "..");
const document = await apiDocument();
await Bun.write(join(root, "client/operations.ts"), clientTypes(document));
await Bun.write(join(root, "docs/API.md"), apiPage(document));
