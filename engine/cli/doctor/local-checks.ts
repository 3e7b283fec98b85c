import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Config } from "../../config.ts";
import { catalogOf } from "../../definition/catalog.ts";
import { readDefinitions } from "../../definition/folder.ts";
import { type LoadedDomain, loadDomains } from "../../participant/load-domains.ts";
import { findJava } from "../../stack/java.ts";
import { checked, fault, type Finding, fine } from "../../recovery/doctor/finding.ts";

/** What lies on this machine: domains, definitions, and Java when the stack is used. */
export async function localChecks(config: Config): Promise<readonly Finding[]> {
  return [
    ...(await checked("definitions", "bun run ekiden check", async () =>
      definitionChecks(config.domains, await loadDomains(config.domains)),
    )),
    ...(existsSync(join(config.home, "stack"))
      ? await checked("java", "Install a JDK of 17 or newer.", async () => [
          fine("java", `${await findJava()} runs the stack`),
        ])
      : []),
  ];
}

function definitionChecks(folder: string, domains: readonly LoadedDomain[]): readonly Finding[] {
  const files = readDefinitions(folder, catalogOf(domains.map(({ domain }) => domain)));
  const broken = files.filter(({ diagnostics }) => diagnostics.some(({ severity }) => severity === "error"));
  if (broken.length === 0) return [fine("definitions", `${files.length} definitions, ${domains.length} domains`)];
  return broken.map(({ file, diagnostics }) => {
    const first = diagnostics.find(({ severity }) => severity === "error");
    const detail = `${file}:${first?.line}:${first?.column} ${first?.message}: the last good revision stays in use`;
    return fault("red", "definitions", detail, `bun run ekiden check ${file}`);
  });
}
