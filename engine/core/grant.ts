/** Roles of the API, each of which may do all that those before it may. */
export const ROLES = ["viewer", "starter", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What a caller may do. */
export interface Grant {
  readonly role: Role;
  /** Definitions whose sagas it is for; null: all of them, and what belongs to no definition. */
  readonly definitions: readonly string[] | null;
  /** Whether it may read inputs, outputs and bodies. */
  readonly payloads: boolean;
}

/** Whether a role may do what another one is needed for. */
export function reaches(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Whether a grant is for sagas of a definition; null: for what belongs to none. */
export function isFor({ definitions }: Pick<Grant, "definitions">, definition: string | null): boolean {
  return definitions === null || (definition !== null && definitions.includes(definition));
}
