/** Every lab of this process, and what left its mailboxes because of Causeway. */
import { subscribe } from 'node:diagnostics_channel';
import type { Lab } from '#lab/lab.ts';
import { labsMade } from '#lab/labs-made.ts';

/** Labs that were made since it was asked last; none of them is forgotten by a test that does not close it. */
const made: Lab[] = [];
const free = new WeakSet<Lab>();
const told = new WeakMap<Lab, number>();

subscribe(labsMade, (lab) => {
  made.push(lab as Lab);
});

/** @returns labs that were made since the last call. */
export const newLabs = (): readonly Lab[] => made.splice(0);

/** For tests in which the account of a migration sends on purpose: of the lab itself, or of what finds such mail. */
export function letSend(lab: Lab): Lab {
  free.add(lab);
  return lab;
}

/**
 * Messages that left mailboxes of these labs as the doing of an account that works on the mailboxes of others, and were not told before:
 * one text each. What attendants, assistants and clients send because of what such an account left counts as well.
 */
export function mailsBecauseOfUs(labs: readonly Lab[]): readonly string[] {
  return labs.flatMap((lab) => {
    const known = told.get(lab) ?? 0;
    const outbox = lab.outbox.slice(known);
    told.set(lab, known + outbox.length);
    if (free.has(lab)) return [];
    return outbox
      .filter(({ doing }) => doing === 'api')
      .map(
        ({ cause, from, to, caller, through }) =>
          `${cause} from ${from} to ${to.join(', ')}: because of ${caller}${through === null ? '' : `, by the ${through}`}`,
      );
  });
}
