import { copiesToReplace } from '#engine/join-right.ts';
import { isFault } from '#kit/fault.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { FolderRow, IntentRow } from '#model/link.ts';
import { history } from '../pass/pass-core.ts';
import { longestCreateMs } from '../pass/wait-for-forgotten.ts';
import { removeReplaced } from './create-batch.ts';
import type { PassContext } from './pass-context.ts';
import { linkOf, readRight, readRightFolder, suspect } from './read-right.ts';

/**
 * Finds out what became of creates that are recorded without an answer. The target's feed says which of them happened (the stamp
 * tells them apart); the others may still be on their way, so their deadline is waited out, and then they are looked up once.
 * After it every intent of these folders is a link or did not happen.
 */
export async function resolveIntents(context: PassContext, folders: readonly FolderId[]): Promise<void> {
  if (context.plan !== null) return;
  await context.exclusively('intents', async () => {
    const rows = folders.flatMap((id) => context.rows.get(id) ?? []).filter((r) => r.right !== null && !r.rightGone);
    for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 4000)) {
      const open = await openIntents(context, rows);
      if (open.length === 0) return;
      for (const row of rows)
        if (open.some((i) => i.rightFolder === row.right)) await readRightFolder(context, row.left, null);
      const unsettled = (await unlinked(context, await openIntents(context, rows))).map((i) => settledAt(context, i));
      const waitMs = Math.max(0, ...unsettled) - context.clock.monotonicMs();
      if (waitMs <= 0) break;
      context.progress?.({ kind: 'waiting', why: 'requests whose answers were lost', ms: waitMs });
      await context.clock.sleep(Math.min(waitMs, pauseMs), context.signal);
    }
    // A person may have moved such a copy at once: every folder that changed is read before anything is created again.
    if ((await unlinked(context, await openIntents(context, rows))).length > 0)
      await readRight(context, await context.rightBox.tree(context.call()), false);
    for (const row of rows) await settleFolder(context, row);
  });
}

/**
 * When nothing of a create is on its way any more, by the clock that never jumps. What another process recorded by the wall clock is
 * believed only up to the longest time that a request may take: whoever set the clock back must not make us wait for hours.
 */
function settledAt(context: PassContext, intent: IntentRow): number {
  const known = context.settledAt.get(intent.stampKey);
  if (known !== undefined) return known;
  const longestMs = longestCreateMs(context, [context.right.abilities.batchMaxBytes, intent.left.facts.sizeBytes]);
  const waitMs = Math.min(intent.settledAfterMs - context.clock.nowMs(), longestMs);
  const at = context.clock.monotonicMs() + waitMs;
  context.settledAt.set(intent.stampKey, at);
  return at;
}

async function openIntents(context: PassContext, rows: readonly FolderRow[]): Promise<readonly IntentRow[]> {
  const inFlight = new Set(context.inFlight);
  const all = await context.store.intents(context.pair.id);
  return all.filter((i) => !inFlight.has(i.stampKey) && rows.some((r) => r.right === i.rightFolder));
}

async function unlinked(context: PassContext, intents: readonly IntentRow[]): Promise<readonly IntentRow[]> {
  const links = await context.store.linksByStamp(
    context.pair.id,
    intents.map((i) => i.stampKey),
  );
  const linked = new Set(links.map((l) => l.stampKey));
  return intents.filter((i) => !linked.has(i.stampKey));
}

/** Those of the copies that intents were to replace that a link holds. */
async function heldCopies(context: PassContext, intents: readonly IntentRow[]): Promise<ReadonlySet<ItemId>> {
  const ids = intents.flatMap((i) => (i.replaces === null ? [] : [i.replaces.right]));
  const links = ids.length === 0 ? [] : await context.store.linksById(context.pair.id, 'right', ids);
  return new Set(links.map((l) => l.rightId));
}

/** No request is on its way any more: look up what the feed did not show, and close every intent of the folder. */
async function settleFolder(context: PassContext, row: FolderRow): Promise<void> {
  const open = await openIntents(context, [row]);
  if (open.length === 0 || row.right === null) return;
  const unknown = await unlinked(context, open);
  const found =
    unknown.length > 0
      ? await context.rightBox.findByStamp(
          row.right,
          unknown.map((i) => i.stamp),
          context.call(),
        )
      : new Map<never, never>();
  // A copy that was itself replaced before its intent was closed: its link has gone over to the one that replaced it.
  const replaced = copiesToReplace(await context.store.intents(context.pair.id));
  const adopted = unknown.flatMap((intent) => {
    const head = found.get(intent.stamp)?.[0];
    return head && !isFault(head) && !replaced.has(head.id)
      ? [{ intent, link: suspect(linkOf(context, intent, head)) }]
      : [];
  });
  const happened = new Set([...open.filter((i) => !unknown.includes(i)), ...adopted.map((a) => a.intent)]);
  const held = await heldCopies(context, unknown);
  // What did not happen replaces nothing, unless the copy that it was to replace is no link's any more: then it did, and was replaced itself.
  const replacing = open.filter((i) => i.replaces !== null && (happened.has(i) || !held.has(i.replaces.right)));
  await context.commit({
    links: adopted.map((a) => a.link),
    intentsResolved: open.filter((i) => !replacing.includes(i)).map((i) => i.stampKey),
    history: adopted.map((a) =>
      history(context, 'create', 'its answer had been lost; found again by its stamp', {
        left: a.intent.left.id,
        right: a.link.rightId,
        outcome: 'adopted',
      }),
    ),
  });
  context.counts.adopted += adopted.length;
  for (const intent of replacing) await removeReplaced(context, intent);
}
