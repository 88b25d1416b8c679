/**
 * Transactional ids of an application: its name, `-`, and GROUP_INSTANCE_ID or else a UUID. An application's name may
 * begin as another one's does (`notes`, `notes-test`), so the beginning alone does not tell whose an id is. Pure.
 */
const UUID_END = /(?:^|-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const UUID_LENGTH = 36

export const transactionalIdOf = (application: string, instance: string): string => `${application}-${instance}`

/**
 * Whether the id may be one of this application's processes. False is certain. True is certain for ids that end in a UUID;
 * `notes-test-0` may be instance `test-0` of `notes` or instance `0` of `notes-test`.
 */
export function mayBeOurs(application: string, transactionalId: string): boolean {
  if (!transactionalId.startsWith(`${application}-`)) return false
  const instance = transactionalId.slice(application.length + 1)
  return instance.length <= UUID_LENGTH || !UUID_END.test(instance)
}
