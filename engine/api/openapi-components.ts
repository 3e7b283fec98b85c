import { toJsonSchemaDefs } from "@valibot/to-json-schema";

import * as audit from "./audit-schema.ts";
import * as definition from "./definition-schema.ts";
import * as doctor from "./doctor-schema.ts";
import * as draft from "./draft-schema.ts";
import * as graph from "./graph-schema.ts";
import * as group from "./group-schema.ts";
import * as health from "./health-schema.ts";
import * as key from "./key-schema.ts";
import * as language from "./language-schema.ts";
import * as me from "./me-schema.ts";
import * as message from "./message-schema.ts";
import * as overview from "./overview-schema.ts";
import * as parked from "./parked-schema.ts";
import * as pipeline from "./pipeline-schema.ts";
import * as partition from "./partition-schema.ts";
import * as problem from "./problem-schema.ts";
import * as recovery from "./recovery-schema.ts";
import * as redrive from "./redrive-schema.ts";
import * as saga from "./saga-schema.ts";
import * as stream from "./stream-schema.ts";
import * as verb from "./verb-schema.ts";

/** Every schema that the OpenAPI document names. A schema that is part of another is referred to by its name. */
const SCHEMAS = {
  Accepted: saga.Accepted,
  ApiKey: key.ApiKey,
  AuditEntry: audit.AuditEntry,
  AuditVerification: audit.AuditVerification,
  AuditList: audit.AuditList,
  BrokenFile: definition.BrokenFile,
  Consumption: message.Consumption,
  ConsumptionFailure: message.ConsumptionFailure,
  Comparison: draft.Comparison,
  ComparisonRequest: draft.ComparisonRequest,
  ConsumerGroup: group.ConsumerGroup,
  ConsumerGroupList: group.ConsumerGroupList,
  CreatedKey: key.CreatedKey,
  DefinitionChange: draft.DefinitionChange,
  Dismissed: message.Dismissed,
  DefinitionDetail: definition.DefinitionDetail,
  DefinitionList: definition.DefinitionList,
  DefinitionSummary: definition.DefinitionSummary,
  Diagnostic: definition.Diagnostic,
  Diagnostics: definition.Diagnostics,
  DoctorFinding: doctor.DoctorFinding,
  DoctorReport: doctor.DoctorReport,
  DroppedPartition: partition.DroppedPartition,
  DropRequest: partition.DropRequest,
  EditPreview: message.EditPreview,
  ExportedRequest: partition.ExportedRequest,
  Graph: graph.Graph,
  GraphBox: graph.GraphBox,
  GraphLabel: graph.GraphLabel,
  GraphLine: graph.GraphLine,
  GroupMember: group.GroupMember,
  GroupPartition: group.GroupPartition,
  HealthPart: health.HealthPart,
  HealthLoad: health.HealthLoad,
  HealthReport: health.HealthReport,
  KeyList: key.KeyList,
  KeyRequest: key.KeyRequest,
  Language: language.Language,
  LanguageKey: language.LanguageKey,
  Live: health.Live,
  Me: me.Me,
  Message: message.Message,
  MessageList: message.MessageList,
  Overview: overview.Overview,
  OverviewDefinition: overview.OverviewDefinition,
  OverviewMinute: overview.OverviewMinute,
  ParkedGroup: parked.ParkedGroup,
  ParkedGroupList: parked.ParkedGroupList,
  ParkedSaga: parked.ParkedSaga,
  ParkedSagaList: parked.ParkedSagaList,
  RetryingGroup: parked.RetryingGroup,
  RetryingGroupList: parked.RetryingGroupList,
  Pipeline: pipeline.Pipeline,
  PipelineConnector: pipeline.PipelineConnector,
  PipelineGroup: pipeline.PipelineGroup,
  PipelineHeartbeat: pipeline.PipelineHeartbeat,
  PipelineLoss: pipeline.PipelineLoss,
  PipelinePublication: pipeline.PipelinePublication,
  PipelineSlot: pipeline.PipelineSlot,
  PipelineTask: pipeline.PipelineTask,
  PipelineTopic: pipeline.PipelineTopic,
  PipelineTrip: pipeline.PipelineTrip,
  Partition: partition.Partition,
  PartitionExport: partition.PartitionExport,
  PartitionList: partition.PartitionList,
  MessageRedriveRequest: verb.MessageRedriveRequest,
  ProblemDetails: problem.ProblemDetails,
  ProblemFault: problem.ProblemFault,
  Reasoned: verb.Reasoned,
  Redrive: redrive.Redrive,
  RedriveDetail: redrive.RedriveDetail,
  RedriveFilter: redrive.RedriveFilter,
  RedriveItem: redrive.RedriveItem,
  RedriveList: redrive.RedriveList,
  RedrivePreview: redrive.RedrivePreview,
  RedriveRequest: redrive.RedriveRequest,
  RedriveSample: redrive.RedriveSample,
  Redriven: message.Redriven,
  ResolveRequest: verb.ResolveRequest,
  RebuildReport: recovery.RebuildReport,
  RepublishReport: recovery.RepublishReport,
  RepublishRequest: recovery.RepublishRequest,
  RetryRequest: verb.RetryRequest,
  Retirement: definition.Retirement,
  Revision: definition.Revision,
  RevisionWait: definition.RevisionWait,
  SignalField: definition.SignalField,
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
  SimulatedEntry: draft.SimulatedEntry,
  SimulatedStep: draft.SimulatedStep,
  Simulation: draft.Simulation,
  SimulationRequest: draft.SimulationRequest,
  SkipRequest: verb.SkipRequest,
  StreamEvent: stream.StreamEvent,
  Timeline: message.Timeline,
  Timer: saga.Timer,
  Uncompensated: saga.Uncompensated,
  VerifyReport: recovery.VerifyReport,
  Waiting: saga.Waiting,
  WaitsOn: saga.WaitsOn,
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
