/** Where the tests' broker and Redis are. The global setup starts them and sets these; else the developer's own serve. */
export const testBootstrap = (): string => process.env['TEST_BOOTSTRAP_SERVERS'] ?? '127.0.0.1:19092'

export const testRedis = (): string => process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:16379'
