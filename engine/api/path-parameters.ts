/** What stands in the paths, by its role. `name` is that of the path's template. */
export const PATH_PARAMETERS = {
  // One name for what stands behind /v1/sagas/: OpenAPI counts paths that differ in parameter names only as one path.
  sagaId: { name: "id", description: "ULID of the saga", example: "01KAS0CW5V8XJQ6Z3T4M7N9PRD" },
  messageId: { name: "messageId", description: "ULID of the message", example: "01KAS0CW5W3H9E6P0R8B2D4FGT" },
  startedDefinition: { name: "id", description: "Name of the definition", example: "onboarding" },
  definition: { name: "definition", description: "Name of the definition", example: "onboarding" },
  hash: { name: "hash", description: "Revision: SHA-256 of the source, hex", example: "9f86d081884c7d65…" },
  signal: { name: "signal", description: "Name of the signal", example: "screening_reviewed" },
  run: { name: "run", description: "ULID of the run, as its call answered it", example: "01KAS0CW5X7T2M4Q8S0V3Y6ZBD" },
  partition: { name: "partition", description: "Name of the partition", example: "event_request_202601" },
  redriveId: { name: "redriveId", description: "ULID of the redrive", example: "01KAS0CW5X2V7J4H8N6D3Q1RTB" },
  projection: { name: "group", description: "`<domain>.<projection>`", example: "application.standing" },
  parkedGroup: { name: "groupId", description: "Group of parked sagas", example: "5d41402abc4b2a76b9719d911017c592" },
  keyName: { name: "name", description: "Name of the key", example: "ci-starter" },
  group: { name: "group", description: "`dispatcher`, `<domain>` or `<domain>.<projection>`", example: "screening" },
} as const;
