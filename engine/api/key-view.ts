import type { InferOutput } from "valibot";

import type { KeyRow } from "../timeline/read-keys.ts";
import type { ApiKey } from "./key-schema.ts";

/** A key as API and command line show it. */
export function viewKey(row: KeyRow): InferOutput<typeof ApiKey> {
  const { id, name, role, definitions, payloads } = row;
  return {
    id,
    name,
    role,
    definitions: definitions === null ? null : [...definitions],
    payloads,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
