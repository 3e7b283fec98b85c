/**
 * What of `domains/` is the project's own. Whoever uses it puts their domains beside these, and a test that counts or judges
 * looks at these only. A new one of the project's goes in here.
 */
export const OWN_DOMAINS: readonly string[] = ["application", "contract", "ledger", "notification", "screening"];

/** Definitions in `domains/`. */
export const OWN_DEFINITIONS: readonly string[] = ["onboarding"];

/** False for a path below `domains/` of somebody else's. */
export function isOwn(path: string): boolean {
  const [folder, name] = path.split("/");
  if (folder !== "domains" || name === undefined) return true;
  return [...OWN_DOMAINS, "data"].includes(name) || OWN_DEFINITIONS.includes(name.split(".")[0] ?? "");
}
