/**
 * What an engineer writes a topology with, and reads its sinks with. The test driver is apart (`tributary/testing`), so
 * that a program does not load it, and `subscribe` loads its clients when it is called; the running of a topology is shown
 * in examples/03.
 */
export { SubscribeError } from './subscribe/errors.ts'
export {
  type SubscribeOptions,
  type SubscribeTo,
  type SubscriptionEvent,
  type SubscriptionGap,
  subscribe,
} from './subscribe/subscribe.ts'
export { defineTopology, type HeaderContext, type Topology, type TopologySpec } from './topology/define.ts'
export { describe, type TopologyDescription } from './topology/describe.ts'
export { drop, type Effect, reject } from './topology/effects.ts'
export { DeadLetter, TopologyError } from './topology/errors.ts'
export { type HeaderEntry, lastWellFormed, type RecordHeaders } from './topology/headers.ts'
export { json } from './topology/json.ts'
export { type Sink, sink, type TypedSink } from './topology/sinks.ts'
export {
  type CounterReader,
  type Decoder,
  type Handler,
  type Input,
  type Message,
  type Origin,
  type Source,
  type State,
  source,
} from './topology/sources.ts'
export {
  type Counter,
  counter,
  fieldOrder,
  type Index,
  index,
  type MapStore,
  map,
  type Read,
  type ValueStore,
  value,
} from './topology/stores.ts'
export { topologyRules, validate } from './topology/validate.ts'
