import { Cell } from "./cell.ts";
import type { Me } from "./shapes.ts";

const KEY = "ekiden.key";

/** The key of the API that this tab shows; gone when the tab is closed. */
export const apiKey = new Cell<string | undefined>(sessionStorage.getItem(KEY) ?? undefined);

/** Who the engine says we are; undefined: not asked yet, or somebody has to sign in. */
export const me = new Cell<Me | undefined>(undefined);

/** Why the engine asks for a key; undefined: it does not. */
export const refusal = new Cell<string | undefined>(undefined);

/** Shows a key from now on; undefined: none any more. */
export function showKey(key: string | undefined): void {
  if (key === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
  me.set(undefined);
  apiKey.set(key);
}

const ROLES = ["viewer", "starter", "operator", "admin"];

/** Whether whoever is signed in may do what takes this role. */
export function may(role: Me["role"]): boolean {
  const own = me.value?.role;
  return own !== undefined && ROLES.indexOf(own) >= ROLES.indexOf(role);
}

/** The same of what belongs to no single definition: a key for some of them may not do it. */
export function mayForAll(role: Me["role"]): boolean {
  return may(role) && me.value?.definitions === null;
}

/** The link to a consumer group, for whoever may read groups; for others its name is none. */
export function toGroup(group: string): { readonly href: string } | object {
  return mayForAll("viewer") ? { href: `/consumers?group=${encodeURIComponent(group)}` } : {};
}
