import type { Side } from '#model/ids.ts';
import type { Shown, TypedLinkRow } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { PairRow } from '#store/store.ts';
import type { Match } from './match.ts';
import { mergeItems } from './merge-items.ts';
import { flush, otherSide, type TypedContext } from './typed-context.ts';

/** Links of one look into the store, and of one step that is recorded. */
const PAGE = 200;

/**
 * Lets ring where the person works and nowhere else. After a switch, what still rings on the other side is merged once, in order of the
 * links; how far that went is recorded, so that a pass that breaks off goes on there. Otherwise it is only what this pass found
 * booked by somebody on the other side.
 */
export async function turnReminders(context: TypedContext): Promise<void> {
  const fields = Object.entries(typedRows(context.kind)).flatMap(([field, row]) =>
    row.codec === 'reminder' ? [field] : [],
  );
  if (fields.length === 0) return;
  const on = context.policy.active;
  const silent = otherSide(on);
  const known = context.pair.ringing;
  const ringsOn = (link: TypedLinkRow) => link.state === 'live' && rings(link[silent].seen, fields);
  // What is read from here on are links, not feeds.
  context.feeds = [];
  if (isTurned(known, on)) {
    if (context.ringTwice.length === 0) return;
    await flush(context);
    const links = await context.store.typedLinks(context.pair.id, silent, context.ringTwice);
    await mergeItems(context, links.filter(ringsOn).map(matchOf));
  } else {
    if (context.plan === null) await flush(context);
    let after = known?.on === on ? known.upTo : null;
    for (;;) {
      context.checkpoint();
      const links = await context.store.pageTypedLinks(context.pair.id, after, PAGE);
      await mergeItems(
        context,
        links.filter(ringsOn).map((link) => matchOf(link)),
      );
      if (links.length < PAGE) break;
      after = links.at(-1)?.id ?? null;
      await flush(context, { pair: { ringing: { on, isDone: false, upTo: after } } });
    }
    // Also when there was nothing to move: whoever waits for it waits for this.
    await flush(context, { pair: { ringing: { on, isDone: true, upTo: null } } });
  }
}

const isTurned = (ringing: PairRow['ringing'], on: Side): boolean =>
  ringing !== null && ringing.on === on && ringing.isDone;

/** Whether a side shows a reminder, of the item or of one of its occurrences. */
const rings = ({ fields, occurrences }: Shown, reminders: readonly string[]): boolean =>
  [fields, ...Object.values(occurrences)].some(
    (shown) => shown !== 'deleted' && reminders.some((field) => (shown[field] ?? null) !== null),
  );

const matchOf = (link: TypedLinkRow): Match => ({
  id: link.id,
  link,
  left: { id: link.left.id, head: null },
  right: { id: link.right.id, head: null },
  intent: null,
  isElsewhere: false,
  reason: 'rings where the person works',
});
