import type { SwitchState } from '#model/switch.ts';

/** What can be measured without moving anything. */
export type MeasuredState = Extract<SwitchState, 'new' | 'provisioned' | 'syncing' | 'ready'>;

export type SwitchEvent =
  /** Somebody looked at the pair. */
  | { readonly event: 'measured'; readonly as: MeasuredState }
  /** The operator, the clock or `when-ready` wants the person switched. `force`: what stands in the way was accepted by name. */
  | { readonly event: 'switch'; readonly force: boolean }
  /** The last step of the switch is done. */
  | { readonly event: 'steps-done' }
  | { readonly event: 'undo' }
  /** The last step is taken back. What the pair is then is measured again. */
  | { readonly event: 'undone' }
  | { readonly event: 'finish' };

export type Transition = { readonly to: SwitchState } | { readonly refused: string };

const measured: readonly SwitchState[] = ['new', 'provisioned', 'syncing', 'ready'];

/**
 * The table of the state machine. An event that is named here for a state leads on; every other is refused, with what to do instead.
 */
const table: {
  readonly [State in SwitchState]: Partial<Record<Exclude<SwitchEvent['event'], 'measured' | 'switch'>, SwitchState>>;
} = {
  new: {},
  provisioned: {},
  syncing: {},
  ready: {},
  switching: { 'steps-done': 'switched', undo: 'undoing' },
  switched: { undo: 'undoing', finish: 'finished' },
  undoing: { undone: 'syncing' },
  finished: {},
};

const refusals: Readonly<Record<string, string>> = {
  'switch new':
    'one of the mailboxes or its entry in the directory is not there yet; causeway switch --plan names what is missing',
  'switch provisioned': 'nothing was copied yet; run causeway sync or causeway run first',
  'switch syncing': 'it is not ready; causeway switch --plan names what stands in the way, --accept takes it by name',
  'switch switched': 'the person works in the target already',
  'switch undoing': 'the switch is being taken back; let causeway undo come to its end first',
  'switch finished': 'the switch is finished',
  'undo undoing': 'it is being taken back already; causeway undo goes on with it',
  'undo finished':
    'the switch was made final with causeway finish, and what is needed for the way back is no longer kept',
  'finish switching': 'the switch has not come to its end; run causeway switch again, or causeway undo',
  'finish undoing': 'the switch is being taken back; run causeway undo again',
  'finish finished': 'it is finished already',
};

/** Where an event leads from a state, or why it leads nowhere. */
export function transition(from: SwitchState, event: SwitchEvent): Transition {
  if (event.event === 'measured') return measured.includes(from) ? { to: event.as } : { to: from };
  if (event.event === 'switch') {
    if (from === 'ready' || from === 'switching') return { to: 'switching' };
    if (event.force && (from === 'syncing' || from === 'provisioned')) return { to: 'switching' };
  } else {
    const to = table[from][event.event];
    if (to !== undefined) return { to };
  }
  return { refused: refusals[`${event.event} ${from}`] ?? `nothing was switched: the pair is ${from}` };
}
