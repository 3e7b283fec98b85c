import { expect, test } from "bun:test";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface Locked {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly resolved?: string }>>;
}

test("the peers have one version each, the one of their lock file, and none is a package of the project", async () => {
  const read = <Type>(path: string) => Bun.file(join(root, path)).json() as Promise<Type>;
  const { dependencies, optionalDependencies } = await read<Manifest>("bench/peers/package.json");
  const { packages } = await read<Locked>("bench/peers/package-lock.json");
  const reasons = await Bun.file(join(root, "docs/adr/0023-peers-of-the-benchmark.md")).text();
  const ours = await Bun.file(join(root, "bun.lock")).text();

  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(packages[`node_modules/${name}`]?.version).toBe(version);
    expect(reasons).toContain(`${name} ${version}`);
    if (name !== "postgres") expect(ours).not.toContain(`"${name}"`);
  }
  // A reader's own npm says where packages come from.
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});
