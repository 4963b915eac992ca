import type { Fault } from '#kit/fault.ts';
import type { Side } from '#model/ids.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { QuarantineRow } from '#store/store.ts';
import { history } from '../pass/pass-core.ts';
import type { TypedContext } from './typed-context.ts';

/** After so many passes an item that fails for a passing reason is left to the operator. */
const attemptsMax = 5;

/**
 * Puts one item aside, so that it never holds up the others: refused for what it is, it waits for the operator; failed for a reason
 * that may pass, the next pass tries it again. Quarantine holds items of either side under their own id.
 */
export function setAside(
  context: TypedContext,
  side: Side,
  head: Pick<TypedHead, 'id' | 'folder' | 'itemClass' | 'sizeBytes'>,
  fault: Fault,
): void {
  // The side's own feed says what became of it.
  if (fault.kind === 'gone') return;
  const before = context.failed.get(head.id);
  const attempts = (before?.attempts ?? 0) + (before && context.attempted.has(head.id) ? 0 : 1);
  context.attempted.add(head.id);
  const passing = fault.kind !== 'poison';
  const row: Omit<QuarantineRow, 'pair'> = {
    left: head.id,
    leftFolder: head.folder,
    reason: fault.kind === 'poison' ? fault.reason : 'keeps-failing',
    detail: 'detail' in fault ? fault.detail : fault.kind === 'throttled' ? `throttled by ${fault.limit}` : fault.kind,
    attempts,
    sinceMs: before?.sinceMs ?? context.clock.nowMs(),
    itemClass: head.itemClass,
    sizeBytes: head.sizeBytes,
    retry: passing && attempts < attemptsMax,
  };
  context.failed.set(head.id, { ...row, pair: context.pair.id });
  if (row.retry) context.isAgain = true;
  context.counts.quarantined++;
  const where = side === 'left' ? { left: head.id } : { right: head.id };
  context.staged.add({
    quarantine: [row],
    history: [
      history(context, 'quarantine', row.reason, {
        ...where,
        outcome: row.retry ? 'held' : 'failed',
        detail: row.detail,
      }),
    ],
  });
}

/** It was carried over: whatever it failed for is over. */
export function takeBack(context: TypedContext, ...heads: readonly Pick<TypedHead, 'id'>[]): void {
  const back = heads.filter((h) => context.failed.delete(h.id)).map((h) => h.id);
  if (back.length > 0) context.staged.add({ quarantineLeft: back });
}
