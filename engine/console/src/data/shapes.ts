/** What the API answers, as its own schemas have it: a change there that a page has not followed does not compile. */
import type { InferOutput } from "valibot";

import type * as definition from "../../../api/definition-schema.ts";
import type * as graph from "../../../api/graph-schema.ts";
import type * as me from "../../../api/me-schema.ts";
import type * as message from "../../../api/message-schema.ts";
import type * as overview from "../../../api/overview-schema.ts";
import type * as parked from "../../../api/parked-schema.ts";
import type * as pipeline from "../../../api/pipeline-schema.ts";
import type * as problem from "../../../api/problem-schema.ts";
import type * as redrive from "../../../api/redrive-schema.ts";
import type * as saga from "../../../api/saga-schema.ts";
import type * as stream from "../../../api/stream-schema.ts";

export type DefinitionList = InferOutput<typeof definition.DefinitionList>;
export type Graph = InferOutput<typeof graph.Graph>;
export type GraphBox = InferOutput<typeof graph.GraphBox>;
export type Overview = InferOutput<typeof overview.Overview>;
export type OverviewDefinition = InferOutput<typeof overview.OverviewDefinition>;
export type ParkedGroup = InferOutput<typeof parked.ParkedGroup>;
export type ParkedGroupList = InferOutput<typeof parked.ParkedGroupList>;
export type ParkedSaga = InferOutput<typeof parked.ParkedSaga>;
export type ParkedSagaList = InferOutput<typeof parked.ParkedSagaList>;
export type Me = InferOutput<typeof me.Me>;
export type Saga = InferOutput<typeof saga.Saga>;
export type SagaList = InferOutput<typeof saga.SagaList>;
export type SagaStep = InferOutput<typeof saga.SagaStep>;
export type SagaStatus = InferOutput<typeof saga.SagaStatus>;
export type Accepted = InferOutput<typeof saga.Accepted>;
export type Message = InferOutput<typeof message.Message>;
export type MessageList = InferOutput<typeof message.MessageList>;
export type Consumption = InferOutput<typeof message.Consumption>;
export type Timeline = InferOutput<typeof message.Timeline>;
export type Pipeline = InferOutput<typeof pipeline.Pipeline>;
export type Redrive = InferOutput<typeof redrive.Redrive>;
export type RedrivePreview = InferOutput<typeof redrive.RedrivePreview>;
export type ProblemDetails = InferOutput<typeof problem.ProblemDetails>;
export type StreamEvent = InferOutput<typeof stream.StreamEvent>;
