// Made from the OpenAPI document by `bun run api-files`; changed there, not here.

/** What the API takes and answers. */
export interface Schemas {
  /** A request that was recorded */
  readonly Accepted: {
    /** The saga */
    readonly sagaId: string;
    readonly status: Schemas["SagaStatus"];
    /** The message that was recorded */
    readonly messageId: string;
    /** False: the dispatcher is paused and applies it later */
    readonly applied: boolean;
  };
  /** A key of the API, without the key itself */
  readonly ApiKey: {
    /** ULID; part of the key */
    readonly id: string;
    /** What the audit calls its holder: `key:<name>`. Never used twice */
    readonly name: string;
    /** viewer: read; starter: also start sagas and send signals; operator: also cancel, retry, rewind and the like; admin: also keys, exporting and dropping partitions */
    readonly role: "viewer" | "starter" | "operator" | "admin";
    /** Definitions whose sagas it is for; null: all, and what belongs to none, like consumer groups */
    readonly definitions: readonly (string)[] | null;
    /** Whether it may read inputs, outputs and bodies; what is `sensitive` stays masked */
    readonly payloads: boolean;
    /** When it was made */
    readonly createdAt: string;
    /** Who made it */
    readonly createdBy: string;
    /** When it stops being good; null: never */
    readonly expiresAt: string | null;
    /** Since when it is revoked; null: it is not */
    readonly revokedAt: string | null;
  };
  /** What an operator did; written in the transaction of the action itself */
  readonly AuditEntry: {
    /** ULID of the entry */
    readonly id: string;
    /** When */
    readonly at: string;
    /** Who */
    readonly actor: string;
    /** What was done */
    readonly action: string;
    /** To what: a saga, a message, a consumer group */
    readonly target: string;
    /** Why */
    readonly reason: string | null;
    /** How it was */
    readonly before: unknown;
    /** How it is */
    readonly after: unknown;
  };
  /** Whether the audit is as it was written */
  readonly AuditVerification: {
    /** True: nothing was changed, taken out or slipped in */
    readonly whole: boolean;
    /** Actions in the chain */
    readonly rows: number;
    /** `<position>:<hash>` of the newest; kept elsewhere and given as `expect`, it finds a chain that was written anew as a whole */
    readonly head: string | null;
    /** The first few */
    readonly faults: readonly ({
      /** Place in the chain; null: in none */
      readonly position: number | null;
      /** ULID of the entry */
      readonly auditId: string;
      /** `changed`: the entry, or the hash before it; `missing`: the entry is gone; `gap`: a place before it is; `unsealed`: it is not in the chain; `unexpected`: this place has another hash than `expect`, or none */
      readonly fault: "changed" | "missing" | "gap" | "unsealed" | "unexpected";
    })[];
  };
  /** Actions of operators, newest first */
  readonly AuditList: {
    readonly items: readonly (Schemas["AuditEntry"])[];
    /** `cursor` of the next page; null: this is the last */
    readonly nextCursor: string | null;
  };
  /** A file that is not in use because it has errors; the last good revision goes on */
  readonly BrokenFile: {
    readonly file: string;
    readonly diagnostics: readonly (Schemas["Diagnostic"])[];
    /** The YAML as it is on disk; null: it has more than 256 KiB. Absent: the list was read with `sources=false` */
    readonly source?: string | null;
  };
  /** What one consumer group did with a message */
  readonly Consumption: {
    /** Consumer group */
    readonly group: string;
    /** Partition; null until the transport delivered it */
    readonly partition: number | null;
    /** Offset; null until the transport delivered it */
    readonly offset: number | null;
    /** Who: host and pid */
    readonly consumer: string;
    /** Record time in the transport */
    readonly recordedAt: string | null;
    /** When the consumer got it */
    readonly receivedAt: string | null;
    /** When the newest claim began */
    readonly startedAt: string;
    /** When it ended; null: it runs, an external call was cut, or a notification waits for its next try */
    readonly consumedAt: string | null;
    /** How often it was claimed */
    readonly attempts: number;
    /** True: it failed and may be taken up again */
    readonly error: boolean;
    /** Why it failed; `step.closed`: the saga had given the step up; `message.superseded`: an edited one replaces it; `message.skipped`: the group was told to pass over it; without an error at the dispatcher, `saga.…`: why a request that was only recorded had no effect */
    readonly errorCode: string | null;
    /** Why it failed, in words; `***` for who may not read payloads */
    readonly errorMessage: string | null;
    /** Dispatcher: number of the transition it caused; null: none */
    readonly sequence: number | null;
    /** Own id of a message that the event store did not ask for */
    readonly foreignId: string | null;
  };
  /** One failure of a consumption; a later success erases nothing here */
  readonly ConsumptionFailure: {
    /** Consumer group */
    readonly group: string;
    /** At which claim */
    readonly attempt: number;
    readonly partition: number | null;
    readonly offset: number | null;
    /** Who: host and pid */
    readonly consumer: string;
    readonly failedAt: string;
    /** Error code */
    readonly code: string;
    /** Error message; `***` for who may not read payloads */
    readonly message: string;
    /** Stack trace; null for who may not read payloads */
    readonly stack: string | null;
  };
  /** What is different in meaning; none: they differ in comments and layout at most */
  readonly Comparison: {
    readonly changes: readonly (Schemas["DefinitionChange"])[];
  };
  /** Two texts of a definition */
  readonly ComparisonRequest: {
    /** The YAML */
    readonly before: string;
    /** The YAML */
    readonly after: string;
  };
  /** A consumer group */
  readonly ConsumerGroup: {
    /** `dispatcher`, `<domain>` or `<domain>.<projection>` */
    readonly group: string;
    readonly paused: boolean;
    readonly pausedReason: string | null;
    /** Messages not consumed yet, all partitions */
    readonly lag: number;
    /** Age of the oldest message not consumed yet, whole seconds; null: none waits */
    readonly lagSeconds: number | null;
    readonly partitions: readonly (Schemas["GroupPartition"])[];
    readonly members: readonly (Schemas["GroupMember"])[];
  };
  /** Consumer groups */
  readonly ConsumerGroupList: {
    readonly items: readonly (Schemas["ConsumerGroup"])[];
    /** Always null: groups are one page */
    readonly nextCursor: null;
  };
  /** A key that was made */
  readonly CreatedKey: {
    /** ULID; part of the key */
    readonly id: string;
    /** What the audit calls its holder: `key:<name>`. Never used twice */
    readonly name: string;
    /** viewer: read; starter: also start sagas and send signals; operator: also cancel, retry, rewind and the like; admin: also keys, exporting and dropping partitions */
    readonly role: "viewer" | "starter" | "operator" | "admin";
    /** Definitions whose sagas it is for; null: all, and what belongs to none, like consumer groups */
    readonly definitions: readonly (string)[] | null;
    /** Whether it may read inputs, outputs and bodies; what is `sensitive` stays masked */
    readonly payloads: boolean;
    /** When it was made */
    readonly createdAt: string;
    /** Who made it */
    readonly createdBy: string;
    /** When it stops being good; null: never */
    readonly expiresAt: string | null;
    /** Since when it is revoked; null: it is not */
    readonly revokedAt: string | null;
    /** The key, shown this once; null: an earlier call with the same Idempotency-Key was told it */
    readonly key: string | null;
  };
  /** A difference in meaning */
  readonly DefinitionChange: {
    readonly change: "added" | "removed" | "moved" | "changed";
    readonly subject: "step" | "input" | "label" | "setting";
    /** Path of the step, or name of the field, label or setting */
    readonly name: string;
    /** What it is */
    readonly what: string;
    /** What of it is another; null: it is not there */
    readonly details: readonly ({
      readonly name: string;
      readonly before: string | null;
      readonly after: string | null;
    })[];
  };
  /** A failed message that needs nothing any more */
  readonly Dismissed: {
    /** The message */
    readonly messageId: string;
    /** Groups that had it in error; empty: none has */
    readonly groups: readonly (string)[];
  };
  /** A definition with its revisions */
  readonly DefinitionDetail: {
    /** Name */
    readonly name: string;
    /** The author's number in the YAML */
    readonly version: number;
    /** SHA-256 of the source, hex */
    readonly revision: string;
    /** When this revision became current */
    readonly updatedAt: string;
    /** Its file in the folder of the engine that answers; null: there is none, or it cannot be used */
    readonly file: string | null;
    /** Null: it is not retired */
    readonly retired: Schemas["Retirement"] | null;
    /** The YAML */
    readonly source: string;
    /** Null: it has none */
    readonly schedule: Schemas["DefinitionSchedule"] | null;
    /** Topic whose messages start it; null: none */
    readonly startTopic: string | null;
    /** Newest first: the last 200, and older ones that sagas still run on */
    readonly revisions: readonly (Schemas["RevisionSummary"])[];
  };
  /** Definitions by name */
  readonly DefinitionList: {
    readonly items: readonly (Schemas["DefinitionSummary"])[];
    /** Always null: definitions are one page */
    readonly nextCursor: null;
    readonly broken: readonly (Schemas["BrokenFile"])[];
  };
  /** A definition and its current revision: what a new saga runs on */
  readonly DefinitionSummary: {
    /** Name */
    readonly name: string;
    /** The author's number in the YAML */
    readonly version: number;
    /** SHA-256 of the source, hex */
    readonly revision: string;
    /** When this revision became current */
    readonly updatedAt: string;
    /** Its file in the folder of the engine that answers; null: there is none, or it cannot be used */
    readonly file: string | null;
    /** Null: it is not retired */
    readonly retired: Schemas["Retirement"] | null;
    /** Sagas that are not final. Absent: the list was read without `open=true` */
    readonly open?: number;
  };
  /** One finding about a definition */
  readonly Diagnostic: {
    readonly severity: "error" | "warning";
    /** Stable code */
    readonly code: string;
    readonly message: string;
    /** From 1 */
    readonly line: number;
    /** From 1 */
    readonly column: number;
    /** The fix, as a sentence */
    readonly hint: string;
  };
  /** Findings in the order of the file; empty: none */
  readonly Diagnostics: readonly (Schemas["Diagnostic"])[];
  /** What one check found */
  readonly DoctorFinding: {
    /** What was looked at */
    readonly check: string;
    /** `warn`: somebody should look when there is time; `red`: something does not work */
    readonly level: "ok" | "warn" | "red";
    /** What is there, in a sentence */
    readonly detail: string;
    /** Since when; null: not known, or nothing is wrong */
    readonly since: string | null;
    /** What to do, a command where there is one */
    readonly fix: string | null;
  };
  /** What is not well, since when, and what to do */
  readonly DoctorReport: {
    /** Nothing is red */
    readonly healthy: boolean;
    readonly findings: readonly (Schemas["DoctorFinding"])[];
  };
  /** A partition that is gone */
  readonly DroppedPartition: {
    readonly name: string;
    /** Requests that it had */
    readonly rows: number;
    readonly droppedAt: string;
  };
  /** Which export you hold, and why the partition goes */
  readonly DropRequest: {
    /** SHA-256 of the export's lines, hex */
    readonly sha256: string;
    /** Requests in the export */
    readonly rows: number;
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** An edited body that would be taken */
  readonly EditPreview: {
    /** Nothing was sent */
    readonly preview: true;
    /** The message that would be replaced */
    readonly messageId: string;
    /** The handler that would run */
    readonly action: string;
    /** False: no process has told of this handler's input yet, only the handler itself can check it */
    readonly schemaKnown: boolean;
  };
  /** A line of an export: a row of `timeline.event_request`, all of its columns */
  readonly ExportedRequest: {
    readonly message_id: string;
    readonly correlation_id: string;
    readonly topic: string;
    readonly message_body: unknown;
  };
  /** A revision as a picture, top to bottom, laid out */
  readonly Graph: {
    readonly width: number;
    readonly height: number;
    readonly boxes: readonly (Schemas["GraphBox"])[];
    readonly lines: readonly (Schemas["GraphLine"])[];
    readonly labels: readonly (Schemas["GraphLabel"])[];
  };
  /** A step, or how it is undone, in the picture */
  readonly GraphBox: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    /** Kind of the step, or start, completed, if, join, undo */
    readonly kind: string;
    /** What it says; the first is its title */
    readonly lines: readonly (string)[];
    /** Of each line: which of the engine's words it is, for another language; null: the author's own */
    readonly words: readonly ({
      readonly word: "version" | "startsOn" | "startsAt" | "deadline" | "completed" | "wait" | "notify" | "sleep" | "sleepUntil" | "sleepUntilDate" | "set" | "saga" | "fail" | "end" | "choose" | "parallel" | "each" | "allItems" | "all" | "first" | "pivot" | "optional" | "yes" | "no" | "else" | "catch" | "oneByOne" | "atOnce" | "undo";
      /** What of the author's stands in it */
      readonly what: string;
    } | null)[];
    readonly pivot: boolean;
    /** How often its retry policy has a command sent, the first time included; null: for ever, or no command */
    readonly attempts: number | null;
    /** Path of the step, without the numbers of items; of an undo, of the step that it undoes */
    readonly path: string | null;
  };
  /** A text beside a line */
  readonly GraphLabel: {
    readonly x: number;
    readonly y: number;
    readonly text: string;
    /** Which of the engine's words it is; null: the author's own */
    readonly words: {
      readonly word: "version" | "startsOn" | "startsAt" | "deadline" | "completed" | "wait" | "notify" | "sleep" | "sleepUntil" | "sleepUntilDate" | "set" | "saga" | "fail" | "end" | "choose" | "parallel" | "each" | "allItems" | "all" | "first" | "pivot" | "optional" | "yes" | "no" | "else" | "catch" | "oneByOne" | "atOnce" | "undo";
      /** What of the author's stands in it */
      readonly what: string;
    } | null;
  };
  /** A line of the picture */
  readonly GraphLine: {
    /** Its corners, x and y */
    readonly points: readonly (readonly (unknown)[])[];
    readonly style: "next" | "catch" | "undo";
    readonly arrow: boolean;
  };
  /** A member of the group in this process */
  readonly GroupMember: {
    /** running, paused, standby, rebuilding or stopped */
    readonly state: string;
    /** Messages taken in and not yet done */
    readonly inHand: number;
    /** Why it is not well */
    readonly problem: string | null;
  };
  /** Where a group stands in one partition */
  readonly GroupPartition: {
    /** Topic */
    readonly topic: string;
    /** Partition; 0 when embedded */
    readonly partition: number;
    /** Oldest offset that the topic holds */
    readonly earliest: number;
    /** Offset of the next message to come */
    readonly end: number;
    /** The next offset to consume; null: it starts at the oldest. Where there is a `reader`, that one's */
    readonly committed: number | null;
    /** Messages not consumed yet. Where there is a `reader`: not claimed, the whole topic's on its first partition */
    readonly lag: number;
    /** Host and process that consumes it; null: none does */
    readonly owner: string | null;
    /** The group in which another program should read the topic; null: the group itself reads it */
    readonly reader: string | null;
  };
  /** One part of the engine */
  readonly HealthPart: {
    readonly part: string;
    readonly ok: boolean;
    readonly detail: string;
    /** What to do, when not ok */
    readonly hint?: string;
  };
  /** Something that this process bounds; docs/OPERATIONS.md lists all of them */
  readonly HealthLoad: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    /** How much of it there is in this process */
    readonly now: number;
    /** How much there may be */
    readonly limit: number;
    /** How often something was refused or put off at the limit */
    readonly hits: number;
  };
  /** Whether the engine does its work */
  readonly HealthReport: {
    readonly ready: boolean;
    readonly parts: readonly (Schemas["HealthPart"])[];
    readonly load: readonly (Schemas["HealthLoad"])[];
  };
  /** Keys, the oldest first, revoked and expired ones too */
  readonly KeyList: {
    readonly items: readonly (Schemas["ApiKey"])[];
    /** Always null: keys are one page */
    readonly nextCursor: null;
  };
  /** A key to be made */
  readonly KeyRequest: {
    /** What the audit calls its holder: `key:<name>`. Never used twice */
    readonly name: string;
    /** viewer: read; starter: also start sagas and send signals; operator: also cancel, retry, rewind and the like; admin: also keys, exporting and dropping partitions */
    readonly role: "viewer" | "starter" | "operator" | "admin";
    /** Definitions whose sagas it is for; null: all, and what belongs to none, like consumer groups */
    readonly definitions?: readonly (string)[] | null;
    /** Whether it may read inputs, outputs and bodies; what is `sensitive` stays masked */
    readonly payloads?: boolean;
    /** When it stops being good; null: never */
    readonly expiresAt: string | null;
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** What a definition may be written with */
  readonly Language: {
    readonly keys: readonly (Schemas["LanguageKey"])[];
    /** Actions of the domains that are known */
    readonly actions: readonly (string)[];
  };
  /** A key of the saga language */
  readonly LanguageKey: {
    readonly key: string;
    /** Maps in which it may stand: `file`, `step` of any kind, a kind of step, or one with a name */
    readonly in: readonly (string)[];
    readonly description: string;
  };
  /** The process answers */
  readonly Live: {
    readonly status: "live";
  };
  /** Who calls */
  readonly Me: {
    /** What the audit calls the caller: `key:<name>`, `jwt:<subject>`, or `local` while nobody is asked */
    readonly actor: string;
    /** What the caller may do; each role all that those before it may */
    readonly role: "viewer" | "starter" | "operator" | "admin";
    /** Definitions whose sagas the caller may see; null: all, and what belongs to none */
    readonly definitions: readonly (string)[] | null;
    /** Whether the caller may read inputs, outputs and bodies */
    readonly payloads: boolean;
  };
  /** A message: who asked for it, when, what, where, and what became of it */
  readonly Message: {
    /** ULID of the message */
    readonly messageId: string;
    /** The saga; null for a foreign message */
    readonly sagaId: string | null;
    /** The message that caused this one */
    readonly causationId: string | null;
    /** Where it goes */
    readonly topic: string;
    /** Kafka key: the saga id */
    readonly key: string | null;
    /** What it is */
    readonly type: string | null;
    /** Name of the saga's definition */
    readonly saga: string | null;
    /** The step that is asked for or answered */
    readonly stepKey: string | null;
    /** Which handler runs */
    readonly action: string | null;
    /** Attempt of the step */
    readonly attempt: number | null;
    /** W3C trace context */
    readonly traceparent: string | null;
    /** Who asked: role and host; null for a foreign message */
    readonly producer: string | null;
    /** When it was written; null for a foreign message */
    readonly requestedAt: string | null;
    /** Further headers */
    readonly headers: unknown;
    /** The body; sensitive values are `***`. Absent: the timeline was read with `bodies=false` */
    readonly body?: unknown;
    /** True: an answer that came after its step was settled; kept, without effect */
    readonly late: boolean;
    readonly consumptions: readonly (Schemas["Consumption"])[];
    readonly failures: readonly (Schemas["ConsumptionFailure"])[];
  };
  /** Messages, newest first */
  readonly MessageList: {
    readonly items: readonly (Schemas["Message"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** How all sagas stand */
  readonly Overview: {
    /** Sagas that began, a second, over the last whole minute */
    readonly startedPerSecond: number;
    /** Sagas that completed, likewise */
    readonly completedPerSecond: number;
    /** Half of the newest 1,000 sagas that have ended took no longer; null: none has */
    readonly p50Ms: number | null;
    /** 95 of 100 of them took no longer */
    readonly p95Ms: number | null;
    /** Open and going forward */
    readonly running: number;
    /** Open and being undone */
    readonly compensating: number;
    /** Waiting for a person */
    readonly parked: number;
    /** Waiting for the next attempt of a step */
    readonly retrying: number;
    /** The oldest saga that has not ended; null: all have */
    readonly oldest: {
      readonly sagaId: string;
      readonly startedAt: string;
    } | null;
    /** Consumer groups that are paused; absent for a key that is for some definitions */
    readonly pausedGroups?: readonly ({
      /** `dispatcher` or `<domain>` */
      readonly group: string;
      /** When it was paused; null: held until `ekiden recover` has been run */
      readonly since: string | null;
      /** Who paused it; absent for a key that is for some definitions */
      readonly by?: string | null;
      /** Why; absent likewise */
      readonly reason?: string | null;
    })[];
    readonly definitions: readonly (Schemas["OverviewDefinition"])[];
    /** The last hour, oldest first; after a start of the engine older minutes are counted within a few calls */
    readonly minutes: readonly (Schemas["OverviewMinute"])[];
  };
  /** How the sagas of a definition stand */
  readonly OverviewDefinition: {
    /** Name of the definition */
    readonly definition: string;
    /** Open and going forward */
    readonly running: number;
    /** Open and being undone */
    readonly compensating: number;
    /** Waiting for a person */
    readonly parked: number;
    /** Completed in the last hour */
    readonly completed: number;
    /** Failed in the last hour */
    readonly failed: number;
    /** Cancelled in the last hour */
    readonly cancelled: number;
    /** Terminated in the last hour */
    readonly terminated: number;
  };
  /** A minute of the last hour */
  readonly OverviewMinute: {
    /** When the minute began */
    readonly at: string;
    /** Sagas that began in it */
    readonly started: number;
    /** Sagas that completed in it */
    readonly completed: number;
    /** Sagas that ended in it in another way */
    readonly ended: number;
  };
  /** Parked sagas of one definition that stopped at the same step of the same consumer group for the same reason */
  readonly ParkedGroup: {
    /** Names the group in GET /v1/parked/{groupId} */
    readonly groupId: string;
    /** Name of the definition */
    readonly definition: string;
    /** Path of the step, without the numbers of items; null: no single step */
    readonly step: string | null;
    /** The consumer group that ran the step, or should have; null: it sends no message */
    readonly consumerGroup: string | null;
    /** Why its newest saga is parked */
    readonly error: Schemas["SagaError"] | null;
    /** Their message with … for what differs from saga to saga; null: all say the same */
    readonly pattern: string | null;
    /** How many are parked so */
    readonly sagas: number;
    /** When the first of them was parked, or last touched */
    readonly firstAt: string;
    /** When the last of them was */
    readonly lastAt: string;
    /** The newest of them */
    readonly newestSagaId: string;
  };
  /** Groups of parked sagas, largest first */
  readonly ParkedGroupList: {
    readonly items: readonly (Schemas["ParkedGroup"])[];
    /** Always null: the 200 largest groups are one page */
    readonly nextCursor: null;
  };
  /** A parked saga */
  readonly ParkedSaga: {
    readonly sagaId: string;
    /** Business key */
    readonly key: string | null;
    /** Path of the step it is parked at */
    readonly step: string | null;
    readonly error: Schemas["SagaError"] | null;
    /** When it was parked, or last touched */
    readonly parkedAt: string;
    /** The newest command or compensation of that step; null: it sends none */
    readonly messageId: string | null;
    /** Which handler runs it */
    readonly action: string | null;
    /** Where it was sent */
    readonly topic: string | null;
    /** A consumer group has that message in error: it can be redriven */
    readonly inError: boolean;
    /** That group */
    readonly consumerGroup: string | null;
  };
  /** Sagas of a group, newest first */
  readonly ParkedSagaList: {
    readonly items: readonly (Schemas["ParkedSaga"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** Sagas of one definition at the same step of the same consumer group, tried again for the same reason */
  readonly RetryingGroup: {
    /** Names the group in GET /v1/sagas?retryingGroup={groupId} */
    readonly groupId: string;
    /** Name of the definition */
    readonly definition: string;
    /** Path of the step, without the numbers of items; null: no single step */
    readonly step: string | null;
    /** The consumer group that ran the step, or should have; null: it sends no message */
    readonly consumerGroup: string | null;
    /** Why the last attempt of its newest saga failed */
    readonly error: Schemas["SagaError"] | null;
    /** Their message with … for what differs from saga to saga; null: all say the same */
    readonly pattern: string | null;
    /** How many wait for their next attempt so */
    readonly sagas: number;
    /** When the first of them reached the step */
    readonly firstAt: string;
    /** When the last of them was touched */
    readonly lastAt: string;
    /** The newest of them */
    readonly newestSagaId: string;
  };
  /** Groups of sagas that wait for their next attempt, largest first */
  readonly RetryingGroupList: {
    readonly items: readonly (Schemas["RetryingGroup"])[];
    /** Always null: the 200 largest groups are one page */
    readonly nextCursor: null;
  };
  /** The way of a message from the outbox to its consumer */
  readonly Pipeline: {
    readonly transport: "kafka" | "embedded";
    /** Null on the embedded transport */
    readonly connector: Schemas["PipelineConnector"] | null;
    /** Null on the embedded transport */
    readonly slot: Schemas["PipelineSlot"] | null;
    /** Null on the embedded transport */
    readonly publication: Schemas["PipelinePublication"] | null;
    readonly loss: Schemas["PipelineLoss"] | null;
    readonly heartbeat: Schemas["PipelineHeartbeat"];
    readonly groups: readonly (Schemas["PipelineGroup"])[];
    readonly topics: readonly (Schemas["PipelineTopic"])[];
    /** What the auditor has found */
    readonly auditor: {
      /** Requests that are late: not consumed by a group that should have */
      readonly late: number;
      /** Requests that were lost on their way and sent again, ever */
      readonly republished: number;
    };
    /** Free space where PostgreSQL's data lies, when that is this machine */
    readonly diskFreeBytes: number | null;
    readonly parts: readonly (Schemas["HealthPart"])[];
  };
  /** Debezium's connector */
  readonly PipelineConnector: {
    readonly name: string;
    /** False: there is no KAFKA_CONNECT_URL; nobody asks Kafka Connect */
    readonly managed: boolean;
    /** As Kafka Connect says; null: it does not know the connector, or was not asked */
    readonly state: string | null;
    readonly tasks: readonly (Schemas["PipelineTask"])[];
    /** Restarts after failures, by all processes */
    readonly restarts: number;
    /** Failures in a row; 0 once it has run for two minutes */
    readonly failures: number;
    /** What failed last */
    readonly lastFailure: string | null;
    /** When */
    readonly lastFailureAt: string | null;
    /** Why Kafka Connect could not be asked */
    readonly trouble: string | null;
  };
  /** A consumer group's lag */
  readonly PipelineGroup: {
    readonly group: string;
    /** Messages not consumed yet */
    readonly lag: number;
    /** Age of the oldest message not consumed yet, whole seconds; null: none waits */
    readonly lagSeconds: number | null;
    readonly paused: boolean;
    readonly pausedReason: string | null;
  };
  /** The message that is sent the whole way every few seconds */
  readonly PipelineHeartbeat: {
    /** The last that came back */
    readonly last: Schemas["PipelineTrip"] | null;
    /** Since that one was written */
    readonly ageMs: number | null;
    /** For how long the next has been on its way; null: none is */
    readonly outMs: number | null;
  };
  /** A loss of the slot that is not made good yet */
  readonly PipelineLoss: {
    readonly cause: string;
    /** What was written before has arrived; null: not known */
    readonly since: string | null;
    /** What was written from then on arrives; null: there is no new slot yet */
    readonly until: string | null;
    /** Requests of that time that are not consumed from Kafka, at most 1,000; null: not counted yet */
    readonly missing: number | null;
  };
  /** What of the database the connector is given */
  readonly PipelinePublication: {
    readonly name: string;
    /** Empty: it does not exist, and nothing is delivered; null: it could not be read */
    readonly tables: readonly (string)[] | null;
  };
  /** The replication slot */
  readonly PipelineSlot: {
    readonly name: string;
    readonly exists: boolean;
    /** Somebody reads it */
    readonly active: boolean;
    /** reserved, extended, unreserved or lost */
    readonly walStatus: string | null;
    /** WAL that the connector has not confirmed */
    readonly unconfirmedBytes: number | null;
    /** WAL that PostgreSQL keeps for it */
    readonly keptBytes: number | null;
    /** WAL that may still be written before the slot is lost; null: there is no limit */
    readonly safeBytes: number | null;
    /** That limit, max_slot_wal_keep_size; null: there is none, and the disk is the limit */
    readonly maxKeepBytes: number | null;
    /** Why it could not be read */
    readonly trouble: string | null;
  };
  /** A task of the connector */
  readonly PipelineTask: {
    /** Its number */
    readonly id: number;
    readonly state: string;
    /** First line of its trace, when it has failed */
    readonly trace: string | null;
  };
  /** A topic that requests have named */
  readonly PipelineTopic: {
    readonly topic: string;
    /** Null: no consumer group reads it */
    readonly partitions: number | null;
    /** Consumer groups that read it */
    readonly groups: readonly (string)[];
  };
  /** A heartbeat that came back. A hop below zero: the clocks differ */
  readonly PipelineTrip: {
    readonly messageId: string;
    /** Row written, database's clock */
    readonly writtenAt: string;
    /** Record time in the transport, connector's clock */
    readonly recordedAt: string;
    /** Received by the consumer, its clock */
    readonly receivedAt: string;
    /** Written down in the database, its clock */
    readonly returnedAt: string;
    /** Written to recorded */
    readonly toTransportMs: number;
    /** Recorded to received */
    readonly toConsumerMs: number;
    /** Received to written down */
    readonly toDatabaseMs: number;
    /** All of it, by one clock */
    readonly roundTripMs: number;
  };
  /** A month of the event store */
  readonly Partition: {
    readonly name: string;
    /** Its message ids begin here */
    readonly fromId: string;
    /** And end before this one */
    readonly toId: string;
    readonly from: string;
    readonly to: string;
    /** `open`: still written to; `dropping`: a drop was cut off, ask for it again */
    readonly state: "open" | "closed" | "dropping" | "dropped";
    /** Requests in it, as the planner thinks */
    readonly rowEstimate: number;
    /** Its size with indexes */
    readonly bytes: number;
    /** Sagas in it that are open, or that an open one may take back; at most 1000 */
    readonly openSagas: number;
    /** Everything in it has left for the topics */
    readonly delivered: boolean;
    readonly exported: Schemas["PartitionExport"] | null;
    /** What stands against dropping it; more may be found when it is read for the drop */
    readonly obstacles: readonly (string)[];
  };
  /** A complete export of a partition */
  readonly PartitionExport: {
    /** Requests */
    readonly rows: number;
    readonly firstId: string | null;
    readonly lastId: string | null;
    /** SHA-256 of the export's lines, hex */
    readonly sha256: string;
    readonly exportedAt: string;
  };
  /** Partitions, oldest first */
  readonly PartitionList: {
    readonly items: readonly (Schemas["Partition"])[];
    /** Always null: partitions are one page */
    readonly nextCursor: null;
  };
  /** Why a message is sent again, and its body where a person has edited it */
  readonly MessageRedriveRequest: {
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
    /** The body, edited: {input}. A new message replaces this one */
    readonly body?: unknown;
    /** true: says whether the edited body fits, and sends nothing */
    readonly preview?: boolean;
  };
  /** Problem details (RFC 9457) */
  readonly ProblemDetails: {
    /** URI of the kind of problem */
    readonly type: string;
    /** The kind of problem in words */
    readonly title: string;
    /** HTTP status */
    readonly status: number;
    /** What happened to this request */
    readonly detail: string;
    /** Stable code for programs; docs/OPERATIONS.md has an entry for each */
    readonly code: "saga.unknown-definition" | "saga.unknown" | "saga.input-invalid" | "saga.key-open" | "saga.idempotency-mismatch" | "saga.final" | "saga.not-parked" | "saga.past-pivot" | "saga.pivot-skipped" | "saga.step-running" | "saga.step-without-result" | "saga.result-invalid" | "saga.unknown-step" | "saga.busy" | "signal.invalid" | "message.unknown" | "message.too-large" | "message.not-editable" | "message.not-dismissible" | "message.edit-invalid" | "redrive.unknown" | "redrive.nothing" | "redrive.not-waiting" | "redrive.ended" | "group.unknown" | "group.offset-out-of-range" | "group.nothing-to-rewind" | "group.rewind-forward" | "pipeline.unmanaged" | "pipeline.connect-unavailable" | "group.held" | "recovery.running" | "partition.unknown" | "partition.open" | "partition.dropped" | "partition.in-use" | "partition.not-exported" | "partition.busy" | "group.history-forgotten" | "group.rewind-failed" | "projection.history-forgotten" | "republish.unknown" | "definition.unknown-revision" | "definition.retired" | "stream.full" | "key.unknown" | "key.name-taken" | "key.first-admin" | "auth.required" | "auth.refused" | "auth.forbidden" | "auth.issuer-unavailable" | "request.rate-limited" | "engine.busy" | "request.malformed-json" | "request.body-invalid" | "request.query-invalid" | "request.cursor-invalid" | "request.header-invalid" | "request.media-type" | "request.too-large" | "request.host-refused" | "request.origin-refused" | "request.unknown-path" | "request.method-not-allowed" | "api.internal" | "api.database-unavailable" | "kafka.unreachable";
    /** What to do next */
    readonly hint: string;
    /** The places that were refused; always there with 422 */
    readonly errors?: readonly (Schemas["ProblemFault"])[];
    /** `saga.key-open`: the open saga */
    readonly sagaId?: string;
    /** `api.internal`: id of the entry in the engine's log */
    readonly errorId?: string;
  };
  /** One place of the request that was refused */
  readonly ProblemFault: {
    /** JSON pointer into the body */
    readonly pointer?: string;
    /** Name of a query parameter */
    readonly parameter?: string;
    /** What is wrong there */
    readonly detail: string;
  };
  /** Why it is done */
  readonly Reasoned: {
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** A redrive of many messages */
  readonly Redrive: {
    /** ULID */
    readonly redriveId: string;
    /** first: one message is out, its end decides; running; waiting: it stopped itself, a person goes on or stops; stopped: by a person; done */
    readonly status: "first" | "running" | "waiting" | "stopped" | "done";
    /** Why it stopped itself */
    readonly problem: string | null;
    /** What was asked for: {filter} or {messageIds} */
    readonly selection: unknown;
    readonly reason: string;
    /** Who asked */
    readonly actor: string;
    /** Messages sent a second, at most */
    readonly ratePerSecond: number;
    /** Failures in a row that stop it */
    readonly stopAfterErrors: number;
    /** Messages */
    readonly total: number;
    /** Not sent yet */
    readonly waiting: number;
    /** Sent, their end not seen yet */
    readonly sent: number;
    /** Consumed without error */
    readonly done: number;
    /** Failed again */
    readonly failed: number;
    /** The saga has given them up */
    readonly closed: number;
    readonly createdAt: string;
    /** When nothing more was sent or awaited */
    readonly finishedAt: string | null;
  };
  /** A redrive with a page of its messages */
  readonly RedriveDetail: {
    /** ULID */
    readonly redriveId: string;
    /** first: one message is out, its end decides; running; waiting: it stopped itself, a person goes on or stops; stopped: by a person; done */
    readonly status: "first" | "running" | "waiting" | "stopped" | "done";
    /** Why it stopped itself */
    readonly problem: string | null;
    /** What was asked for: {filter} or {messageIds} */
    readonly selection: unknown;
    readonly reason: string;
    /** Who asked */
    readonly actor: string;
    /** Messages sent a second, at most */
    readonly ratePerSecond: number;
    /** Failures in a row that stop it */
    readonly stopAfterErrors: number;
    /** Messages */
    readonly total: number;
    /** Not sent yet */
    readonly waiting: number;
    /** Sent, their end not seen yet */
    readonly sent: number;
    /** Consumed without error */
    readonly done: number;
    /** Failed again */
    readonly failed: number;
    /** The saga has given them up */
    readonly closed: number;
    readonly createdAt: string;
    /** When nothing more was sent or awaited */
    readonly finishedAt: string | null;
    /** A page of its messages, in the order of sending */
    readonly items: readonly (Schemas["RedriveItem"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** Which failed messages: all that is given must hold */
  readonly RedriveFilter: {
    /** The consumer group that failed */
    readonly group?: string;
    /** Its error code */
    readonly errorCode?: string;
    /** Name of the saga's definition */
    readonly definition?: string;
    /** Topic */
    readonly topic?: string;
    /** The handler */
    readonly action?: string;
    /** Failed at or after it */
    readonly failedAfter?: string;
    /** Failed before it */
    readonly failedBefore?: string;
  };
  /** A message of a redrive and what became of it */
  readonly RedriveItem: {
    /** Place in the order of sending */
    readonly position: number;
    /** The group that failed */
    readonly group: string;
    /** ULID of the message */
    readonly messageId: string;
    /** waiting, sent, done, failed (again) or closed (the saga has given it up) */
    readonly status: "waiting" | "sent" | "done" | "failed" | "closed";
    /** ULID of the sending */
    readonly republishId: string | null;
    /** How it ended, when not well */
    readonly errorCode: string | null;
    /** When it was sent again */
    readonly sentAt: string | null;
    /** When its end was seen */
    readonly settledAt: string | null;
  };
  /** Redrives, newest first */
  readonly RedriveList: {
    readonly items: readonly (Schemas["Redrive"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** What a redrive would send */
  readonly RedrivePreview: {
    /** Nothing was sent */
    readonly preview: true;
    /** Messages that would be sent, of each step its newest attempt */
    readonly total: number;
    /** Failed as well, but their step is settled: sent again, nothing would run, so they are left out */
    readonly settled: number;
    /** The first of them */
    readonly sample: readonly (Schemas["RedriveSample"])[];
  };
  /** Sends failed messages again: one first, the rest when it was consumed without error */
  readonly RedriveRequest: {
    readonly filter?: Schemas["RedriveFilter"];
    /** Messages by id, instead of a filter */
    readonly messageIds?: readonly (string)[];
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
    /** Messages sent a second, at most */
    readonly ratePerSecond?: number;
    /** Failures in a row that stop it */
    readonly stopAfterErrors?: number;
    /** true: counts and shows some, sends nothing */
    readonly preview?: boolean;
  };
  /** A failed message that fits */
  readonly RedriveSample: {
    /** The group that failed */
    readonly group: string;
    /** ULID of the message */
    readonly messageId: string;
    /** Topic */
    readonly topic: string;
    /** Name of the saga's definition */
    readonly saga: string | null;
    /** Why it failed */
    readonly errorCode: string;
  };
  /** A message that was sent again, or replaced */
  readonly Redriven: {
    /** The message that was sent again */
    readonly messageId: string;
    /** ULID of this sending; null: it was replaced by an edited one */
    readonly republishId: string | null;
    /** ULID of the message that replaces it, with the edited body */
    readonly supersededBy: string | null;
    /** Groups that have consumed it, and skip it */
    readonly doneBy: readonly (string)[];
    /** The step of this command is settled: it is answered with what stands, and nothing runs */
    readonly settled: boolean;
  };
  /** Says how a parked step has ended */
  readonly ResolveRequest: {
    /** Path of the parked step */
    readonly step: string;
    /** What the step would have answered; of a compensation it may stay away */
    readonly result?: unknown;
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** A rebuild of a projection */
  readonly RebuildReport: {
    /** Of the rebuild */
    readonly id: string;
    readonly group: string;
    readonly state: "asked" | "running" | "done" | "failed";
    /** Events applied so far */
    readonly events: number;
    /** How far it is, 0 to 1 */
    readonly share: number;
    /** Kind of what failed: `sql_<SQLSTATE>`, `exception`, or the code of a refusal */
    readonly code: string | null;
    /** Why it failed, what stands in the events masked; the read model is as it was */
    readonly problem: string | null;
    readonly askedAt: string;
    readonly finishedAt: string | null;
  };
  /** A republishing */
  readonly RepublishReport: {
    /** Of the run; null: a preview, of which nothing is kept */
    readonly id: string | null;
    /** `counted`: a preview; `counting`: a preview whose time was up, there may be more */
    readonly state: "running" | "done" | "counted" | "counting";
    /** Requests looked at */
    readonly scanned: number;
    /** Requests that were, or would be, sent again */
    readonly sent: number;
    readonly topics: readonly ({
      readonly topic: string;
      readonly messages: number;
    })[];
    /** How far it is, 0 to 1 */
    readonly share: number;
    readonly askedAt: string;
    readonly finishedAt: string | null;
  };
  /** Which requests to send again from the event store; all that is given must hold */
  readonly RepublishRequest: {
    /** Written at or after it */
    readonly since?: string;
    /** Written before it */
    readonly until?: string;
    /** Of this saga */
    readonly saga?: string;
    readonly topic?: string;
    /** True: only requests that a group which must consume them has not consumed */
    readonly missingOnly?: boolean;
    /** True: counts, and sends nothing */
    readonly preview?: boolean;
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
  };
  /** Runs a parked step again, its attempts counted from the start */
  readonly RetryRequest: {
    /** Path of the parked step; without it the one that is parked */
    readonly step?: string;
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** A definition that starts no saga until it is restored; what was started goes on */
  readonly Retirement: {
    readonly since: string;
    /** Who */
    readonly by: string;
    /** Why */
    readonly reason: string;
  };
  /** One revision with its source */
  readonly Revision: {
    /** Name */
    readonly name: string;
    /** SHA-256 of the source, hex */
    readonly revision: string;
    /** The author's number in the YAML */
    readonly version: number;
    /** When it was first seen */
    readonly createdAt: string;
    /** The YAML */
    readonly source: string;
    /** Its steps that wait for signals, in the order of the file */
    readonly waits: readonly (Schemas["RevisionWait"])[];
  };
  /** A step that waits for a signal */
  readonly RevisionWait: {
    /** Path of the waiting step, without the numbers of items */
    readonly path: string;
    readonly signal: string;
    /** Fields of the payload that its `returns` declares; null: it declares none */
    readonly fields: readonly (Schemas["SignalField"])[] | null;
  };
  /** A field of a signal's payload */
  readonly SignalField: {
    readonly name: string;
    /** What it holds, as the YAML says it */
    readonly shape: string;
    readonly kind: "string" | "number" | "integer" | "boolean" | "date" | "enum" | "list" | "object" | "any";
    readonly required: boolean;
    /** Of an enum: what it can be; else empty */
    readonly values: readonly (string)[];
  };
  /** One revision */
  readonly RevisionSummary: {
    /** SHA-256 of the source, hex */
    readonly revision: string;
    /** The author's number in the YAML */
    readonly version: number;
    /** When it was first seen */
    readonly createdAt: string;
    /** True: new sagas run on it */
    readonly current: boolean;
    /** Sagas that are not final and finish on it */
    readonly open: number;
    /** Of those: how many wait for a person */
    readonly parked: number;
  };
  /** When sagas of the definition are started by time */
  readonly DefinitionSchedule: {
    readonly cron: string;
    /** IANA name */
    readonly timezone: string;
    readonly overlap: "skip" | "queue" | "allow";
    /** The next planned time; null: there is none, or the definition is retired */
    readonly nextAt: string | null;
    /** The last 20, newest first */
    readonly runs: readonly (Schemas["ScheduleRun"])[];
  };
  /** A planned time and what became of it */
  readonly ScheduleRun: {
    /** The time that the cron line names */
    readonly plannedAt: string;
    /** `waiting`: for the saga of an earlier time to end */
    readonly status: "waiting" | "started" | "skipped" | "refused";
    /** The saga that was started */
    readonly sagaId: string | null;
    /** Why it was skipped or refused */
    readonly reason: string | null;
  };
  /** One partition of a rewind */
  readonly RewindPart: {
    /** Topic */
    readonly topic: string;
    /** Partition; 0 when embedded */
    readonly partition: number;
    /** Where the group stands now; null: nothing committed */
    readonly from: number | null;
    /** Where it will stand */
    readonly to: number;
    /** Consumed already: skipped */
    readonly done: number;
    /** Failed and still wanted: run again; of several attempts of a step one */
    readonly run: number;
    /** Of those that run again: their saga is parked at that step, and goes on when they succeed */
    readonly parked: number;
    /** Failed, but the saga gave the step up: stays given up */
    readonly closed: number;
    /** Not consumed yet by this group */
    readonly waiting: number;
    /** In the span, and older than what the topic holds: not read again. Of a time: counted among the first 10,000 that the group has consumed since */
    readonly expired: number;
  };
  /** What a rewind does */
  readonly RewindReport: {
    readonly group: string;
    /** True: nothing was moved */
    readonly preview: boolean;
    readonly parts: readonly (Schemas["RewindPart"])[];
  };
  /** Where to rewind to */
  readonly RewindRequest: {
    /** Topic */
    readonly topic: string;
    /** Partition */
    readonly partition: number;
    /** The next offset to consume */
    readonly offset: number;
    /** true: may pass over messages that the group has not consumed; it never sees them */
    readonly skip?: boolean;
    /** true: what the topic holds no more is left out; else a rewind that would read it is refused */
    readonly leaveExpired?: boolean;
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
  } | {
    /** The next message to consume */
    readonly messageId: string;
    /** Topic */
    readonly topic?: string;
    /** Partition */
    readonly partition?: number;
    /** true: what the topic holds no more is left out; else a rewind that would read it is refused */
    readonly leaveExpired?: boolean;
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
  } | {
    /** The first message recorded at or after it */
    readonly timestamp: string;
    /** Topic */
    readonly topic?: string;
    /** Partition */
    readonly partition?: number;
    /** true: what the topic holds no more is left out; else a rewind that would read it is refused */
    readonly leaveExpired?: boolean;
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
  } | {
    /** The oldest message in error whose step is not settled */
    readonly firstError: true;
    /** Topic */
    readonly topic?: string;
    /** Partition */
    readonly partition?: number;
    /** true: what the topic holds no more is left out; else a rewind that would read it is refused */
    readonly leaveExpired?: boolean;
    /** Why; it stands in the audit and on the timeline */
    readonly reason?: string;
  };
  /** Where a child saga belongs; its own children: GET /v1/sagas?parent=<its id> */
  readonly Parent: {
    /** The saga that started it and awaits its end */
    readonly sagaId: string;
    /** Path of the step in that saga */
    readonly step: string;
  };
  /** One run of a definition */
  readonly Saga: {
    /** ULID of the saga; the correlation id of its messages */
    readonly sagaId: string;
    /** Name of its definition */
    readonly definition: string;
    /** The author's number in the YAML */
    readonly version: number;
    /** Content hash of the YAML it runs on */
    readonly revision: string;
    readonly status: Schemas["SagaStatus"];
    /** Business key, unique among open sagas */
    readonly key: string | null;
    /** Searchable labels */
    readonly labels: Readonly<Record<string, unknown>>;
    /** Start input; sensitive values are `***`. Absent: the saga was read with `bodies=false` */
    readonly input?: unknown;
    /** Output of a completed saga; null before. Absent: the saga was read with `bodies=false` */
    readonly output?: unknown;
    readonly error: Schemas["SagaError"] | null;
    readonly uncompensated: readonly (Schemas["Uncompensated"])[];
    /** Steps in the order in which they were reached; of more than 200, those that have not ended and the newest */
    readonly steps: readonly (Schemas["SagaStep"])[];
    /** There are more: all are at /v1/sagas/{id}/steps */
    readonly moreSteps?: true;
    /** Signals it waits for; null: none */
    readonly waitingFor: readonly (Schemas["Waiting"])[] | null;
    readonly waiting: Schemas["WaitsOn"] | null;
    /** What it does by itself, the soonest first; of more than 200 the soonest */
    readonly timers: readonly (Schemas["Timer"])[];
    /** Null: nobody's child */
    readonly parent: Schemas["Parent"] | null;
    /** When it was accepted */
    readonly startedAt: string;
    /** Time of its last transition */
    readonly updatedAt: string;
    /** When it became final */
    readonly finishedAt: string | null;
  };
  /** Why a saga failed or is parked. Of a step: why its handler rejected it, or its last attempt failed; absent when nothing did, when it was undone, and in lists of sagas */
  readonly SagaError: {
    /** Stable code */
    readonly code: string;
    /** The reason in words; `***` for who may not read payloads */
    readonly message: string;
    /** Path of the step that failed */
    readonly step: string | null;
    /** Line in the YAML, for a fault of the definition */
    readonly line?: number;
    /** Column in the YAML, for a fault of the definition */
    readonly column?: number;
  };
  /** Sagas, newest first */
  readonly SagaList: {
    readonly items: readonly (Schemas["Saga"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** Steps of a saga, by path */
  readonly StepList: {
    readonly items: readonly (Schemas["SagaStep"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** `parked` waits for a person; `completed`, `failed`, `cancelled` and `terminated` are final */
  readonly SagaStatus: "running" | "compensating" | "parked" | "completed" | "failed" | "cancelled" | "terminated";
  /** A step that the saga has reached */
  readonly SagaStep: {
    /** Path of the step in the saga */
    readonly path: string;
    /** running, retrying, waiting, parked, succeeded, rejected, failed, skipped, compensating, compensated or kept */
    readonly status: string;
    /** Attempts sent */
    readonly attempts: number;
    /** When the saga first reached it */
    readonly startedAt: string | null;
    /** When it ended; null while it is open */
    readonly finishedAt: string | null;
    readonly error?: Schemas["SagaError"];
  };
  /** One thing that happens */
  readonly SimulatedEntry: {
    /** Milliseconds from the start */
    readonly atMs: number;
    readonly kind: "sent" | "answered" | "step" | "timer" | "signal" | "cancel" | "refused" | "saga";
    /** Null where the whole saga is meant */
    readonly step: string | null;
    readonly text: string;
    /** Body, payload or output; absent: none, or longer than 4 KiB */
    readonly data?: unknown;
  };
  /** A step of the definition */
  readonly SimulatedStep: {
    /** What people call the step; `undo apply`: its compensation */
    readonly step: string;
    /** Its path, without the numbers of items */
    readonly path: string;
    readonly kind: string;
    /** It has a compensation */
    readonly undone: boolean;
    /** What it waits for */
    readonly signal: string | null;
  };
  /** What a saga would do */
  readonly Simulation: {
    /** The input that it started with */
    readonly input: unknown;
    /** All steps, in the order of the file */
    readonly steps: readonly (Schemas["SimulatedStep"])[];
    readonly graph: Schemas["Graph"];
    /** What happens, the first 1,000 */
    readonly entries: readonly (Schemas["SimulatedEntry"])[];
    /** How many there are in all */
    readonly entryCount: number;
    /** The steps in the order in which they were entered, the first 1,000 */
    readonly entered: readonly (string)[];
    /** How each step stands at the end, the first 1,000 */
    readonly states: readonly ({
      /** What people call the step; `undo apply`: its compensation */
      readonly step: string;
      readonly status: string;
    })[];
    readonly status: Schemas["SagaStatus"];
    /** Why it failed, was cancelled or is parked */
    readonly error: {
      readonly code: string;
      readonly message: string;
      /** What people call the step; `undo apply`: its compensation */
      readonly step: string;
    } | null;
    /** What was done and is not undone */
    readonly uncompensated: readonly ({
      /** What people call the step; `undo apply`: its compensation */
      readonly step: string;
      readonly reason: string;
    })[];
    /** What the saga gives; absent: nothing, or longer than 4 KiB */
    readonly output?: unknown;
    /** Signals that it waits for */
    readonly waitingFor: readonly (string)[];
    /** Nothing more can happen; `until` was reached; or it went on and on */
    readonly ended: "at-rest" | "time" | "too-long";
    /** Milliseconds from the start */
    readonly endedAtMs: number;
    /** What was planned and never happened */
    readonly unused: readonly (string)[];
  };
  /** A definition, and what is to happen to a saga of it */
  readonly SimulationRequest: {
    /** The YAML */
    readonly source: string;
    /** Input of the saga; absent: the plainest that its `input` allows */
    readonly input?: unknown;
    /** By step, `undo screen` for a compensation: how it ends, one for each attempt, the last for all that follow. As `ekiden simulate` writes them (`rejected:code`, `failed*3`, `silent`), or fields of the output of one that succeeds. A step that is not named succeeds. */
    readonly outcomes?: Readonly<Record<string, readonly (string | {
      /** Fields of its output */
      readonly output: unknown;
    })[]>>;
    /** Signals that come */
    readonly signals?: readonly ({
      readonly signal: string;
      /** Absent: made up from what the step asks for */
      readonly payload?: unknown;
      /** So long after the start; absent: as soon as it is waited for */
      readonly at?: string;
    })[];
    /** It is cancelled so long after its start */
    readonly cancelAt?: string;
    /** The clock stops so long after its start */
    readonly until?: string;
  };
  /** Leaves a parked step out */
  readonly SkipRequest: {
    /** Path of the parked step */
    readonly step: string;
    /** Why; it stands in the audit and on the timeline */
    readonly reason: string;
  };
  /** One event of a stream: a message was recorded, or it moved its saga */
  readonly StreamEvent: {
    /** `recorded`: the message was written; `applied`: it moved the saga */
    readonly kind: "recorded" | "applied";
    /** ULID of the message */
    readonly messageId: string;
    /** The saga */
    readonly sagaId: string;
    /** Its definition; null while a child is only asked for */
    readonly definition: string | null;
    /** What the message is */
    readonly type: string | null;
    /** Path of the step that it is about */
    readonly step: string | null;
    /** Which handler runs */
    readonly action: string | null;
    /** Attempt of the step */
    readonly attempt: number | null;
    /** Number of the saga's transition; null: recorded */
    readonly sequence: number | null;
    /** The saga's status after the transition; null: recorded */
    readonly status: Schemas["SagaStatus"] | null;
    /** Why it was rejected, failed or parked, sensitive values masked; null: it was not */
    readonly error: {
      readonly code: string;
      readonly message: string | null;
    } | null;
    /** When it was recorded, or applied */
    readonly at: string;
  };
  /** Every message of a saga, oldest first */
  readonly Timeline: {
    readonly items: readonly (Schemas["Message"])[];
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
    /** `cursor` of the page before; null: this was the first */
    readonly previousCursor: string | null;
  };
  /** What the saga does by itself when the time comes */
  readonly Timer: {
    /** retry: the next attempt, of a step or of its compensation; deadline: the step, or the saga, gives up; guard: how a step has ended is asked for again; sleep: it goes on */
    readonly kind: "retry" | "deadline" | "guard" | "sleep";
    /** Path of the step; null: the saga as a whole */
    readonly step: string | null;
    /** When, by the database's clock */
    readonly dueAt: string;
  };
  /** A step that may have taken effect and was not undone */
  readonly Uncompensated: {
    /** Path of the step */
    readonly step: string;
    /** Why it was not undone */
    readonly reason: string;
  };
  /** Sagas folded from their events and compared with what is stored */
  readonly VerifyReport: {
    /** Sagas looked at in this page */
    readonly checked: number;
    readonly differences: readonly ({
      readonly sagaId: string;
      readonly definition: string;
      /** The event that wrote the field last; null: none did */
      readonly event: string | null;
      readonly field: string;
      /** What the events make of it, as JSON; `***` if it may be sensitive */
      readonly folded: string;
      /** What stands in the table */
      readonly stored: string;
    })[];
    readonly unverifiable: readonly ({
      readonly sagaId: string;
      readonly definition: string;
      /** Why it cannot be folded */
      readonly reason: string;
    })[];
    /** How far this page is among all sagas, 0 to 1 */
    readonly share: number;
    /** `cursor` of the next page; null: this was the last */
    readonly nextCursor: string | null;
  };
  /** A signal that the saga waits for */
  readonly Waiting: {
    /** Name of the signal */
    readonly signal: string;
    /** Path of the waiting step */
    readonly path: string;
    /** When the wait gives up; null: never */
    readonly deadlineAt: string | null;
  };
  /** What an open saga waits for; of several the one that somebody has to act on */
  readonly WaitsOn: {
    /** person: it is parked, or its undoing is, of a completed child; signal: somebody has to send it; child: another saga has to end, or to be undone; retry: the next attempt; sleep: its own pause; answer: a step, or what undoes it, is out */
    readonly kind: "person" | "signal" | "child" | "retry" | "sleep" | "answer";
    /** Path of the step */
    readonly step: string | null;
    /** Name of the signal */
    readonly signal?: string;
    /** Of a child; absent for a key that is not for the child's definition */
    readonly child?: {
      /** The child saga */
      readonly sagaId: string;
      readonly status: Schemas["SagaStatus"];
    };
    /** Of an answer: the paused group that has to give or to apply it; absent: none is */
    readonly pausedGroup?: {
      /** `dispatcher` or `<domain>` */
      readonly group: string;
      /** When it was paused; null: held until `ekiden recover` has been run */
      readonly since: string | null;
      /** Who paused it; absent for a key that is for some definitions */
      readonly by?: string | null;
      /** Why; absent likewise */
      readonly reason?: string | null;
    };
    /** Since when; of a person, and of an undoing, the saga's last transition */
    readonly since: string;
    /** When the wait gives up, or what is due then; null: no such time */
    readonly until: string | null;
  };
}

/** Its calls: what each takes, and what it answers. */
export interface Operations {
  /** Start a saga */
  readonly startSaga: {
    readonly path: {
      /** Name of the definition */
      readonly id: string;
    };
    readonly query?: {
      /** Waits until the saga is final or parked, at most 60s */
      readonly wait?: string;
      /** `reject`: an open business key answers 409 even if the input is the same */
      readonly duplicate?: "return" | "reject";
    };
    readonly body: unknown;
    readonly answer: Schemas["Saga"];
  };
  /** Read a saga */
  readonly getSaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly query?: {
      /** Waits until the saga is final or parked, at most 60s */
      readonly wait?: string;
      /** false: without input and output */
      readonly bodies?: "true" | "false";
    };
    readonly answer: Schemas["Saga"];
  };
  /** List sagas, newest first */
  readonly listSagas: {
    readonly query?: {
      /** Name of the definition */
      readonly definition?: string;
      /** One or several of running, compensating, parked, completed, failed, cancelled, terminated, with commas */
      readonly status?: string;
      /** Business key */
      readonly key?: string;
      /** Id of a saga: its children */
      readonly parent?: string;
      /** Path of a step: open sagas that are at it. `each1[]/pack`: at this step of any item */
      readonly step?: string;
      /** Started after this time */
      readonly startedAfter?: string;
      /** Started before this time */
      readonly startedBefore?: string;
      /** Ended since this time, by a message of since then; the longer ago, the more is looked through */
      readonly endedAfter?: string;
      /** Ended before this time */
      readonly endedBefore?: string;
      /** Hash of the revision that they run on */
      readonly revision?: string;
      /** true: open sagas that wait for the next attempt of a step; false: all others */
      readonly retrying?: "true" | "false";
      /** Id of a group of `GET /v1/retrying`: its sagas */
      readonly retryingGroup?: string;
      /** false: without inputs and outputs; `GET /v1/sagas/{id}` has each */
      readonly bodies?: "true" | "false";
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
      /** Labels, each as `label.<name>=<value>` */
      readonly label?: Readonly<Record<string, string>>;
    };
    readonly answer: Schemas["SagaList"];
  };
  /** List a saga's steps by path */
  readonly listSteps: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly query?: {
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["StepList"];
  };
  /** Read a saga's timeline */
  readonly getTimeline: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly query?: {
      /** Id of a message: the page has it in its middle */
      readonly around?: string;
      /** Path of a step: the page has its newest message in its middle; without one, the newest messages */
      readonly step?: string;
      /** true: the page has the newest messages; false: the oldest */
      readonly newest?: "true" | "false";
      /** false: without bodies; `GET /v1/messages/{messageId}` has each */
      readonly bodies?: "true" | "false";
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["Timeline"];
  };
  /** Follow all sagas */
  readonly streamAll: {
    readonly query?: {
      /** Events of this definition's sagas only */
      readonly definition?: string;
      /** Transitions into one of these statuses only, with commas */
      readonly status?: string;
      /** Messages of one of these types only, with commas */
      readonly type?: string;
    };
    readonly answer: string;
  };
  /** Follow one saga */
  readonly streamSaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly answer: string;
  };
  /** Send a signal to a saga */
  readonly signalSaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
      /** Name of the signal */
      readonly signal: string;
    };
    readonly body?: unknown;
    readonly answer: Schemas["Accepted"];
  };
  /** Cancel a saga */
  readonly cancelSaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["Accepted"];
  };
  /** Retry a parked saga */
  readonly retrySaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly body: Schemas["RetryRequest"];
    readonly answer: Schemas["Accepted"];
  };
  /** Skip a parked step or compensation */
  readonly skipStep: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly body: Schemas["SkipRequest"];
    readonly answer: Schemas["Accepted"];
  };
  /** Resolve a parked step or compensation with a result */
  readonly resolveStep: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly body: Schemas["ResolveRequest"];
    readonly answer: Schemas["Accepted"];
  };
  /** Terminate a saga */
  readonly terminateSaga: {
    readonly path: {
      /** ULID of the saga */
      readonly id: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["Accepted"];
  };
  /** List definitions */
  readonly listDefinitions: {
    readonly query?: {
      /** Of the broken files this one alone */
      readonly file?: string;
      /** false: without the sources of broken files; with `file` there is one */
      readonly sources?: "true" | "false";
      /** true: with the number of sagas that are not final */
      readonly open?: "true" | "false";
    };
    readonly answer: Schemas["DefinitionList"];
  };
  /** Check a definition */
  readonly validateDefinition: {
    readonly body: string;
    readonly answer: Schemas["Diagnostics"];
  };
  /** Read a definition */
  readonly getDefinition: {
    readonly path: {
      /** Name of the definition */
      readonly definition: string;
    };
    readonly answer: Schemas["DefinitionDetail"];
  };
  /** Read a revision */
  readonly getRevision: {
    readonly path: {
      /** Name of the definition */
      readonly definition: string;
      /** Revision: SHA-256 of the source, hex */
      readonly hash: string;
    };
    readonly answer: Schemas["Revision"] | string;
  };
  /** Retire a definition */
  readonly retireDefinition: {
    readonly path: {
      /** Name of the definition */
      readonly definition: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["DefinitionSummary"];
  };
  /** Restore a retired definition */
  readonly restoreDefinition: {
    readonly path: {
      /** Name of the definition */
      readonly definition: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["DefinitionSummary"];
  };
  /** Say what a saga would do */
  readonly simulateDefinition: {
    readonly body: Schemas["SimulationRequest"];
    readonly answer: Schemas["Simulation"];
  };
  /** Compare two texts of a definition */
  readonly compareDefinitions: {
    readonly body: Schemas["ComparisonRequest"];
    readonly answer: Schemas["Comparison"];
  };
  /** Read what a definition may be written with */
  readonly getLanguage: {
    readonly answer: Schemas["Language"];
  };
  /** Read a revision as a picture */
  readonly getGraph: {
    readonly path: {
      /** Name of the definition */
      readonly definition: string;
      /** Revision: SHA-256 of the source, hex */
      readonly hash: string;
    };
    readonly answer: Schemas["Graph"];
  };
  /** Read how all sagas stand */
  readonly getOverview: {
    readonly answer: Schemas["Overview"];
  };
  /** List why sagas are parked */
  readonly listParkedGroups: {
    readonly answer: Schemas["ParkedGroupList"];
  };
  /** List the sagas of a group of parked ones */
  readonly listParked: {
    readonly path: {
      /** Group of parked sagas */
      readonly groupId: string;
    };
    readonly query?: {
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["ParkedSagaList"];
  };
  /** List why steps are tried again */
  readonly listRetryingGroups: {
    readonly answer: Schemas["RetryingGroupList"];
  };
  /** List messages, newest first */
  readonly listMessages: {
    readonly query?: {
      /** true: in error; false: not */
      readonly error?: "true" | "false";
      /** Consumed by this group; with `error`, in error there */
      readonly group?: string;
      /** Topic */
      readonly topic?: string;
      /** Id of the saga */
      readonly saga?: string;
      /** About this step of a saga, each attempt and each answer: `stepKey` of a message */
      readonly stepKey?: string;
      /** false: without bodies; `GET /v1/messages/{messageId}` has each */
      readonly bodies?: "true" | "false";
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["MessageList"];
  };
  /** Read a message */
  readonly getMessage: {
    readonly path: {
      /** ULID of the message */
      readonly messageId: string;
    };
    readonly answer: Schemas["Message"];
  };
  /** Send a message again */
  readonly redriveMessage: {
    readonly path: {
      /** ULID of the message */
      readonly messageId: string;
    };
    readonly body: Schemas["MessageRedriveRequest"];
    readonly answer: Schemas["EditPreview"] | Schemas["Redriven"];
  };
  /** Dismiss a failed message */
  readonly dismissMessage: {
    readonly path: {
      /** ULID of the message */
      readonly messageId: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["Dismissed"];
  };
  /** List redrives, newest first */
  readonly listRedrives: {
    readonly query?: {
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["RedriveList"];
  };
  /** Send failed messages again */
  readonly createRedrive: {
    readonly body: Schemas["RedriveRequest"];
    readonly answer: Schemas["RedrivePreview"] | Schemas["RedriveDetail"];
  };
  /** Read a redrive and what became of its messages */
  readonly getRedrive: {
    readonly path: {
      /** ULID of the redrive */
      readonly redriveId: string;
    };
    readonly query?: {
      /** Only its messages that stand so */
      readonly status?: "waiting" | "sent" | "done" | "failed" | "closed";
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["RedriveDetail"];
  };
  /** Go on with a redrive that waits */
  readonly continueRedrive: {
    readonly path: {
      /** ULID of the redrive */
      readonly redriveId: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["RedriveDetail"];
  };
  /** Stop a redrive */
  readonly stopRedrive: {
    readonly path: {
      /** ULID of the redrive */
      readonly redriveId: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["RedriveDetail"];
  };
  /** List consumer groups */
  readonly listConsumerGroups: {
    readonly answer: Schemas["ConsumerGroupList"];
  };
  /** Read a consumer group */
  readonly getConsumerGroup: {
    readonly path: {
      /** `dispatcher`, `<domain>` or `<domain>.<projection>` */
      readonly group: string;
    };
    readonly answer: Schemas["ConsumerGroup"];
  };
  /** Pause a consumer group */
  readonly pauseConsumerGroup: {
    readonly path: {
      /** `dispatcher`, `<domain>` or `<domain>.<projection>` */
      readonly group: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["ConsumerGroup"];
  };
  /** Resume a consumer group */
  readonly resumeConsumerGroup: {
    readonly path: {
      /** `dispatcher`, `<domain>` or `<domain>.<projection>` */
      readonly group: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["ConsumerGroup"];
  };
  /** Rewind a consumer group */
  readonly rewindConsumerGroup: {
    readonly path: {
      /** `dispatcher`, `<domain>` or `<domain>.<projection>` */
      readonly group: string;
    };
    readonly query?: {
      /** true: says what would happen and moves nothing */
      readonly preview?: "true" | "false";
    };
    readonly body: Schemas["RewindRequest"];
    readonly answer: Schemas["RewindReport"];
  };
  /** Read where the pipeline stands */
  readonly getPipeline: {
    readonly answer: Schemas["Pipeline"];
  };
  /** Restart the connector */
  readonly restartPipeline: {
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["Pipeline"];
  };
  /** Look at everything and say what to do about what is not well */
  readonly getDoctor: {
    readonly answer: Schemas["DoctorReport"];
  };
  /** Send requests again from the event store */
  readonly republish: {
    readonly body: Schemas["RepublishRequest"];
    readonly answer: Schemas["RepublishReport"];
  };
  /** Read how far a republishing is */
  readonly getRepublish: {
    readonly path: {
      /** ULID of the run, as its call answered it */
      readonly run: string;
    };
    readonly answer: Schemas["RepublishReport"];
  };
  /** Build a projection anew from the event store */
  readonly rebuildProjection: {
    readonly path: {
      /** `<domain>.<projection>` */
      readonly group: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["RebuildReport"];
  };
  /** Read how far the newest rebuild of a projection is */
  readonly getRebuild: {
    readonly path: {
      /** `<domain>.<projection>` */
      readonly group: string;
    };
    readonly answer: Schemas["RebuildReport"];
  };
  /** Verify sagas against their events */
  readonly verify: {
    readonly query?: {
      /** Only this saga */
      readonly saga?: string;
      /** Sagas folded at once */
      readonly parallel?: number;
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["VerifyReport"];
  };
  /** List the event store's partitions */
  readonly listPartitions: {
    readonly answer: Schemas["PartitionList"];
  };
  /** Read a partition */
  readonly getPartition: {
    readonly path: {
      /** Name of the partition */
      readonly partition: string;
    };
    readonly answer: Schemas["Partition"];
  };
  /** Export a partition */
  readonly exportPartition: {
    readonly path: {
      /** Name of the partition */
      readonly partition: string;
    };
    readonly answer: string;
  };
  /** Drop a partition that was exported */
  readonly dropPartition: {
    readonly path: {
      /** Name of the partition */
      readonly partition: string;
    };
    readonly body: Schemas["DropRequest"];
    readonly answer: Schemas["DroppedPartition"];
  };
  /** Verify that the audit is as it was written */
  readonly verifyAudit: {
    readonly query?: {
      /** A `head` that was answered before */
      readonly expect?: string;
    };
    readonly answer: Schemas["AuditVerification"];
  };
  /** List what operators did, newest first */
  readonly listAudit: {
    readonly query?: {
      /** Done by */
      readonly actor?: string;
      /** This action */
      readonly action?: string;
      /** Done to this saga, message or consumer group */
      readonly target?: string;
      /** Done to this saga, or to a message of it */
      readonly saga?: string;
      /** Done at or after this time */
      readonly since?: string;
      /** Rows of a page */
      readonly limit?: number;
      /** `nextCursor` of the page before */
      readonly cursor?: string;
    };
    readonly answer: Schemas["AuditList"];
  };
  /** List keys */
  readonly listKeys: {
    readonly answer: Schemas["KeyList"];
  };
  /** Make a key */
  readonly createKey: {
    readonly body: Schemas["KeyRequest"];
    readonly answer: Schemas["CreatedKey"];
  };
  /** Revoke a key */
  readonly revokeKey: {
    readonly path: {
      /** Name of the key */
      readonly name: string;
    };
    readonly body: Schemas["Reasoned"];
    readonly answer: Schemas["ApiKey"];
  };
  /** Read who calls, and what that caller may do */
  readonly getMe: {
    readonly answer: Schemas["Me"];
  };
  /** Read the engine's numbers, for Prometheus */
  readonly getMetrics: {
    readonly answer: string;
  };
  /** Whether the process answers */
  readonly getLiveness: {
    readonly answer: Schemas["Live"];
  };
  /** Whether the engine does its work */
  readonly getReadiness: {
    readonly answer: Schemas["HealthReport"];
  };
}

/** Method, path and the body's media type of each call. */
export const OPERATIONS = {
  startSaga: ["POST","/v1/sagas/{id}","application/json"],
  getSaga: ["GET","/v1/sagas/{id}",null],
  listSagas: ["GET","/v1/sagas",null],
  listSteps: ["GET","/v1/sagas/{id}/steps",null],
  getTimeline: ["GET","/v1/sagas/{id}/timeline",null],
  streamAll: ["GET","/v1/stream",null],
  streamSaga: ["GET","/v1/sagas/{id}/events",null],
  signalSaga: ["POST","/v1/sagas/{id}/signals/{signal}","application/json"],
  cancelSaga: ["POST","/v1/sagas/{id}/cancel","application/json"],
  retrySaga: ["POST","/v1/sagas/{id}/retry","application/json"],
  skipStep: ["POST","/v1/sagas/{id}/skip","application/json"],
  resolveStep: ["POST","/v1/sagas/{id}/resolve","application/json"],
  terminateSaga: ["POST","/v1/sagas/{id}/terminate","application/json"],
  listDefinitions: ["GET","/v1/definitions",null],
  validateDefinition: ["POST","/v1/definitions/validate","text/yaml"],
  getDefinition: ["GET","/v1/definitions/{definition}",null],
  getRevision: ["GET","/v1/definitions/{definition}/revisions/{hash}",null],
  retireDefinition: ["POST","/v1/definitions/{definition}/retire","application/json"],
  restoreDefinition: ["POST","/v1/definitions/{definition}/restore","application/json"],
  simulateDefinition: ["POST","/v1/definitions/simulate","application/json"],
  compareDefinitions: ["POST","/v1/definitions/compare","application/json"],
  getLanguage: ["GET","/v1/language",null],
  getGraph: ["GET","/v1/definitions/{definition}/revisions/{hash}/graph",null],
  getOverview: ["GET","/v1/overview",null],
  listParkedGroups: ["GET","/v1/parked",null],
  listParked: ["GET","/v1/parked/{groupId}",null],
  listRetryingGroups: ["GET","/v1/retrying",null],
  listMessages: ["GET","/v1/messages",null],
  getMessage: ["GET","/v1/messages/{messageId}",null],
  redriveMessage: ["POST","/v1/messages/{messageId}/redrive","application/json"],
  dismissMessage: ["POST","/v1/messages/{messageId}/dismiss","application/json"],
  listRedrives: ["GET","/v1/redrives",null],
  createRedrive: ["POST","/v1/redrives","application/json"],
  getRedrive: ["GET","/v1/redrives/{redriveId}",null],
  continueRedrive: ["POST","/v1/redrives/{redriveId}/continue","application/json"],
  stopRedrive: ["POST","/v1/redrives/{redriveId}/stop","application/json"],
  listConsumerGroups: ["GET","/v1/consumer-groups",null],
  getConsumerGroup: ["GET","/v1/consumer-groups/{group}",null],
  pauseConsumerGroup: ["POST","/v1/consumer-groups/{group}/pause","application/json"],
  resumeConsumerGroup: ["POST","/v1/consumer-groups/{group}/resume","application/json"],
  rewindConsumerGroup: ["POST","/v1/consumer-groups/{group}/rewind","application/json"],
  getPipeline: ["GET","/v1/pipeline",null],
  restartPipeline: ["POST","/v1/pipeline/restart","application/json"],
  getDoctor: ["GET","/v1/doctor",null],
  republish: ["POST","/v1/republish","application/json"],
  getRepublish: ["GET","/v1/republish/{run}",null],
  rebuildProjection: ["POST","/v1/projections/{group}/rebuild","application/json"],
  getRebuild: ["GET","/v1/projections/{group}/rebuild",null],
  verify: ["GET","/v1/verify",null],
  listPartitions: ["GET","/v1/partitions",null],
  getPartition: ["GET","/v1/partitions/{partition}",null],
  exportPartition: ["GET","/v1/partitions/{partition}/export",null],
  dropPartition: ["POST","/v1/partitions/{partition}/drop","application/json"],
  verifyAudit: ["GET","/v1/audit/verification",null],
  listAudit: ["GET","/v1/audit",null],
  listKeys: ["GET","/v1/keys",null],
  createKey: ["POST","/v1/keys","application/json"],
  revokeKey: ["POST","/v1/keys/{name}/revoke","application/json"],
  getMe: ["GET","/v1/me",null],
  getMetrics: ["GET","/metrics",null],
  getLiveness: ["GET","/health/live",null],
  getReadiness: ["GET","/health/ready",null],
} as const;
