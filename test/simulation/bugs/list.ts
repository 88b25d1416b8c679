/** The bugs that the simulation must find, most of them one decision turned round. */
import type { Bug } from './edit.ts'
import { GROUP_BUGS } from './group-bugs.ts'
import { LANE_BUGS } from './lane-bugs.ts'
import { STORE_BUGS } from './store-bugs.ts'
import { TAKEOVER_BUGS } from './takeover-bugs.ts'

export const BUGS: readonly Bug[] = [...TAKEOVER_BUGS, ...GROUP_BUGS, ...LANE_BUGS, ...STORE_BUGS]
