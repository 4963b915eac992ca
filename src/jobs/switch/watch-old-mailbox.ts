import type { SwitchServices } from './ports.ts';
import { switchRow } from './run-switch.ts';

const historyMax = 5_000;

/** What shows that somebody still works in the mailbox that was left. */
export interface OldMailboxUse {
  /** Mails in Sent Items that came to be there since the switch. */
  readonly sends: number;
  /** Mails that arrived there since, and were carried over: somebody's transport does not redirect. */
  readonly arrivals: number;
  readonly lastAtMs: number | null;
}

/**
 * Looks through what passes carried over since the switch: what is new in Sent Items of the old mailbox was sent from there, what is new
 * in its Inbox arrived there. Needs no request. Logons that leave nothing behind are kept where EWS, Graph and WebDAV do not show them.
 */
export async function oldMailboxUse(services: SwitchServices): Promise<OldMailboxUse> {
  const { store, pair } = services;
  const row = await switchRow(services);
  const steps = await store.switchSteps(pair.id, row.run);
  const since = steps.find(({ step, direction }) => step === 'last-pass' && direction === 'forward')?.endedAtMs ?? null;
  if (since === null) return { sends: 0, arrivals: 0, lastAtMs: null };
  const created = (await store.history({ pair: pair.id, sinceMs: since }, historyMax)).filter(
    ({ action, left, atMs }) => action === 'create' && left !== null && atMs > since,
  );
  const links = await store.linksById(
    pair.id,
    'left',
    created.flatMap(({ left }) => (left === null ? [] : [left as never])),
  );
  const folders = new Map(links.map(({ leftId, leftFolder }) => [leftId as string, leftFolder]));
  const roles = new Map((await store.folders(pair.id)).map(({ left, role }) => [left, role]));
  const roleOf = (left: string | null) => {
    const folder = left === null ? undefined : folders.get(left);
    return folder === undefined ? null : (roles.get(folder) ?? null);
  };
  const sends = created.filter(({ left }) => roleOf(left) === 'sentitems');
  const arrivals = created.filter(({ left }) => roleOf(left) === 'inbox');
  const last = Math.max(0, ...[...sends, ...arrivals].map(({ atMs }) => atMs));
  return { sends: sends.length, arrivals: arrivals.length, lastAtMs: last === 0 ? null : last };
}

/** For the operator; null: nobody works there. */
export function useText({ sends, arrivals, lastAtMs }: OldMailboxUse): string | null {
  if (sends + arrivals === 0) return null;
  const what = [
    ...(sends > 0 ? [`${sends} mails were sent from the old mailbox`] : []),
    ...(arrivals > 0 ? [`${arrivals} mails arrived there and were carried over`] : []),
  ].join(', ');
  const last = lastAtMs === null ? '' : `, the last at ${new Date(lastAtMs).toISOString().slice(0, 16)}Z`;
  return `since the switch ${what}${last}: look at the person's Outlook profile and phone`;
}
