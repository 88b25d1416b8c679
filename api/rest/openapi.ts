/** The OpenAPI 3.1 document, written from the table of operations. Pure. Source: OpenAPI Specification 3.1.1. */

import { UINT32_MAX } from '../../topology/fields.ts'
import {
  BODY_BYTES_MAX,
  IDEMPOTENCY_KEY_LENGTH_MAX,
  PAGE_NUMBER_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
} from '../limits.ts'
import { errorDocument, type HttpErrorName, httpErrors } from './errors.ts'
import { BASE_PATH } from './json-api.ts'
import { JSON_API_TYPE, JSON_TYPE } from './negotiation.ts'
import {
  type AnswerHeader,
  COMMON_ERRORS,
  type Operation,
  operations,
  type PathParameter,
  type Success,
} from './operations.ts'
import { ref, type SchemaName, schemas } from './schemas.ts'

const PARAMETERS: Readonly<Record<PathParameter, object>> = {
  noteId: { description: 'Id of a note.', schema: { type: 'integer', minimum: 0, maximum: UINT32_MAX }, example: 5 },
  characterId: {
    description: 'Id of a character.',
    schema: { type: 'integer', minimum: 0, maximum: UINT32_MAX },
    example: 7,
  },
  requestId: {
    description: 'As in Location of a 202.',
    schema: { type: 'string' },
    example: '0-m4xk2p1c-5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49-8978ec8d42031c82b05fb8ee85607fb8',
  },
}

const header = (name: string, description: string, schema: object, example: string | number, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema,
  example,
})

const TENANT = {
  TenantId: header(
    'TENANT_ID',
    'The tenant.',
    { type: 'string', format: 'uuid' },
    '083839c6-c47c-42a6-9585-76492795d123',
  ),
  Region: header('REGION', 'Its region, text in UTF-8.', { type: 'string', minLength: 1 }, 'GMS'),
  MajorVersion: header('MAJOR_VERSION', 'Of the game.', { type: 'integer', minimum: 0, maximum: 65_535 }, 83),
  MinorVersion: header('MINOR_VERSION', 'Of the game.', { type: 'integer', minimum: 0, maximum: 65_535 }, 1),
}

const OTHERS = {
  IdempotencyKey: header(
    'Idempotency-Key',
    'The same key on the same target gives the same outcome for 24 hours, and no second effect; with another body, 422.',
    { type: 'string', pattern: '^[\\x21-\\x7e]+$', maxLength: IDEMPOTENCY_KEY_LENGTH_MAX },
    '3f8e2c1a-9b7d-4e6f-8a5b-0c1d2e3f4a5b',
    false,
  ),
  Traceparent: header(
    'traceparent',
    'W3C trace context: goes on as the parent of the command. `tracestate` and `baggage` go with it.',
    { type: 'string' },
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    false,
  ),
  PageNumber: {
    name: 'page[number]',
    in: 'query',
    description: 'From 1.',
    schema: { type: 'integer', minimum: 1, maximum: PAGE_NUMBER_MAX, default: 1 },
  },
  PageSize: {
    name: 'page[size]',
    in: 'query',
    schema: { type: 'integer', minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE_DEFAULT },
  },
}

const HEADERS: Readonly<Record<AnswerHeader | 'Allow' | 'WWW-Authenticate', object>> = {
  Location: { description: 'Path of the resource.', schema: { type: 'string', format: 'uri-reference' } },
  'Tributary-Freshness': {
    description:
      'Structured field, a dictionary: per partition read the offset of the changelog up to which the state has been brought; ' +
      '`age`: ms since that commit; `lag`: input records not processed yet, where the answering process knows.',
    schema: { type: 'string' },
    example: 'p0=1042;age=12;lag=0, p3=77;age=90210',
  },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
  Allow: { description: 'Methods.', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'How to authenticate.', schema: { type: 'string' } },
}

const componentRef = (kind: 'parameters' | 'headers', name: string) => ({ $ref: `#/components/${kind}/${name}` })
const content = (name: SchemaName, more: object = {}) =>
  Object.fromEntries([JSON_TYPE, JSON_API_TYPE].map((type) => [type, { schema: ref(name), ...more }]))

/** Of the interface; it rises with what clients must know. */
const VERSION = '1.0.0'

export function openApiDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of Object.values<Operation>(operations)) {
    const path = `${BASE_PATH}${operation.path}`
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Note service',
      version: VERSION,
      description:
        'Notes of characters, of many tenants. Writes become commands on Kafka and are answered when their outcome is ' +
        'committed and readable. JSON:API; every error has a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'notes', description: 'Notes, and what became of writes.' }],
    paths,
    components: {
      schemas,
      parameters: { ...TENANT, ...OTHERS },
      headers: HEADERS,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'API_TOKEN, for what changes something; without API_TOKEN the service listens on loopback and asks none.',
        },
      },
    },
  }
}

function describe(operation: Operation): object {
  const { id, summary, description, parameters, paged, body, changes, answers } = operation
  const shared = [
    ...Object.keys(TENANT),
    ...(paged ? ['PageNumber', 'PageSize'] : []),
    ...(changes ? ['IdempotencyKey', 'Traceparent'] : []),
  ]
  const successes = Object.entries<Success>(answers).map(([status, success]) => [status, successOf(success)])
  return {
    operationId: id,
    tags: ['notes'],
    summary,
    description,
    ...(changes ? { security: [{ token: [] }, {}] } : {}),
    parameters: [
      ...parameters.map((name) => ({ name, in: 'path', required: true, ...PARAMETERS[name] })),
      ...shared.map((name) => componentRef('parameters', name)),
    ],
    ...(body === null
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${BODY_BYTES_MAX} bytes.`,
            content: content(body),
          },
        }),
    responses: Object.fromEntries([...successes, ...errorResponses(operation)]),
  }
}

const successOf = ({ description, schema, headers = [] }: Success): object => ({
  description,
  ...(headers.length === 0 ? {} : { headers: headersOf(headers) }),
  ...(schema === undefined ? {} : { content: content(schema) }),
})

/** One response per status, which names its codes. */
function errorResponses({ errors }: Operation): (readonly [string, object])[] {
  const byStatus = Map.groupBy([...new Set([...errors, ...COMMON_ERRORS])].sort(), (name) => httpErrors[name].status)
  return [...byStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, names]) => [
      String(status),
      {
        description: names.map((name) => `\`${name}\`: ${httpErrors[name].title}.`).join(' '),
        ...(status === 401 ? { headers: headersOf(['WWW-Authenticate']) } : {}),
        ...(status === 503 || status === 429 ? { headers: headersOf(['Retry-After']) } : {}),
        content: content('ErrorDocument', {
          examples: Object.fromEntries(names.map((name) => [name, { value: exampleOf(name) }])),
        }),
      },
    ])
}

const headersOf = (names: readonly (keyof typeof HEADERS)[]) =>
  Object.fromEntries(names.map((name) => [name, componentRef('headers', name)]))

const exampleOf = (code: HttpErrorName) => errorDocument([{ code, detail: httpErrors[code].remedy }])
