import { toJsonSchemaDefs } from "@valibot/to-json-schema";

import * as definition from "./definition-schema.ts";
import * as group from "./group-schema.ts";
import * as health from "./health-schema.ts";
import * as message from "./message-schema.ts";
import * as pipeline from "./pipeline-schema.ts";
import * as problem from "./problem-schema.ts";
import * as recovery from "./recovery-schema.ts";
import * as saga from "./saga-schema.ts";
import * as verb from "./verb-schema.ts";

/** Every schema that the OpenAPI document names. A schema that is part of another is referred to by its name. */
const SCHEMAS = {
  Accepted: saga.Accepted,
  BrokenFile: definition.BrokenFile,
  Consumption: message.Consumption,
  ConsumptionFailure: message.ConsumptionFailure,
  ConsumerGroup: group.ConsumerGroup,
  ConsumerGroupList: group.ConsumerGroupList,
  DefinitionDetail: definition.DefinitionDetail,
  DefinitionList: definition.DefinitionList,
  DefinitionSummary: definition.DefinitionSummary,
  Diagnostic: definition.Diagnostic,
  Diagnostics: definition.Diagnostics,
  GroupMember: group.GroupMember,
  GroupPartition: group.GroupPartition,
  HealthPart: health.HealthPart,
  HealthLoad: health.HealthLoad,
  HealthReport: health.HealthReport,
  Live: health.Live,
  MaybeReasoned: verb.MaybeReasoned,
  Message: message.Message,
  MessageList: message.MessageList,
  Pipeline: pipeline.Pipeline,
  PipelineConnector: pipeline.PipelineConnector,
  PipelineGroup: pipeline.PipelineGroup,
  PipelineHeartbeat: pipeline.PipelineHeartbeat,
  PipelineLoss: pipeline.PipelineLoss,
  PipelineSlot: pipeline.PipelineSlot,
  PipelineTask: pipeline.PipelineTask,
  PipelineTrip: pipeline.PipelineTrip,
  ProblemDetails: problem.ProblemDetails,
  ProblemFault: problem.ProblemFault,
  Reasoned: verb.Reasoned,
  Redriven: message.Redriven,
  RepublishReport: recovery.RepublishReport,
  RepublishRequest: recovery.RepublishRequest,
  RetryRequest: verb.RetryRequest,
  Revision: definition.Revision,
  RevisionSummary: definition.RevisionSummary,
  DefinitionSchedule: definition.DefinitionSchedule,
  ScheduleRun: definition.ScheduleRun,
  RewindPart: group.RewindPart,
  RewindReport: group.RewindReport,
  RewindRequest: verb.RewindRequest,
  Parent: saga.Parent,
  Saga: saga.Saga,
  SagaError: saga.SagaError,
  SagaList: saga.SagaList,
  StepList: saga.StepList,
  SagaStatus: saga.SagaStatus,
  SagaStep: saga.SagaStep,
  Timeline: message.Timeline,
  Uncompensated: saga.Uncompensated,
  Waiting: saga.Waiting,
} as const;

export type SchemaName = keyof typeof SCHEMAS;

/** A reference to a named schema. */
export function ref(name: SchemaName): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** The named schemas as JSON Schema 2020-12, which is what OpenAPI 3.1 takes. */
export function componentSchemas() {
  return toJsonSchemaDefs(SCHEMAS, {
    target: "draft-2020-12",
    typeMode: "input",
    // `check` and `trim` have no word in JSON Schema; the description says what they ask.
    errorMode: "ignore",
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
}
