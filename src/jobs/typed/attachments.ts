import type { NeededAttachments } from '#engine/merge-typed.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { ItemId, Side } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { TypedContext } from './typed-context.ts';

/** Bytes of attachments for one write. Whoever fetched them disposes of them. */
export interface Fetched {
  readonly byHash: ReadonlyMap<string, AttachmentContent>;
  readonly sizeBytes: number;
  dispose(): Promise<void>;
}

/** Fetches the bytes that a write on the other side needs. @returns a fault when one of them cannot be had. */
export async function fetchAttachments(
  context: Pick<TypedContext, 'sides' | 'call'>,
  side: Side,
  id: ItemId,
  needs: readonly Pick<NeededAttachments, 'day' | 'heads'>[],
): Promise<Fetched | Fault> {
  const byHash = new Map<string, AttachmentContent>();
  const dispose = async () => {
    await Promise.all([...byHash.values()].map((a) => a.bytes.dispose()));
  };
  const sizeBytes = needs.reduce((n, { heads }) => n + heads.reduce((m, h) => m + h.sizeBytes, 0), 0);
  try {
    for (const { day, heads } of needs) {
      const wanted = heads.filter((h) => !byHash.has(h.hash));
      if (wanted.length === 0) continue;
      const bytes = wanted.reduce((n, h) => n + h.sizeBytes, 0);
      const found = await context.sides[side].items.attachments(id, day, wanted, context.call(bytes));
      for (const [hash, content] of found) byHash.set(hash, content);
      const missing = wanted.filter((h) => !found.has(h.hash));
      if (missing.length > 0) {
        await dispose();
        return {
          kind: 'transient',
          detail: `${missing.length} attachments changed while they were read`,
          mayHaveHappened: false,
        };
      }
    }
  } catch (error) {
    await dispose();
    if (error instanceof FaultError && (error.fault.kind === 'poison' || error.fault.kind === 'gone'))
      return error.fault;
    throw error;
  }
  return { byHash, sizeBytes, dispose };
}

/** What a copy of an item needs. */
export function attachmentsOf(
  item: TypedItem,
): readonly { readonly day: Day | null; readonly heads: readonly AttachmentHead[] }[] {
  const own = 'attachments' in item.fields ? item.fields.attachments : [];
  return [
    ...(own.length > 0 ? [{ day: null, heads: own }] : []),
    ...item.occurrences.flatMap(({ day, overrides }) =>
      overrides.attachments && overrides.attachments.length > 0 ? [{ day, heads: overrides.attachments }] : [],
    ),
  ];
}

/** Contents in the order of their heads. */
const contentsOf = (heads: readonly AttachmentHead[], { byHash }: Fetched): readonly AttachmentContent[] =>
  heads.flatMap((head) => {
    const content = byHash.get(head.hash);
    return content ? [{ ...content, head }] : [];
  });

/** What a draft carries, by the occurrence that holds it. */
export function draftAttachments<Kind extends TypedKind>(item: TypedItem<Kind>, fetched: Fetched) {
  const [own, ...rest] = [
    'attachments' in item.fields ? item.fields.attachments : [],
    ...item.occurrences.map(({ overrides }) => overrides.attachments ?? []),
  ];
  return {
    attachments: contentsOf(own ?? [], fetched),
    occurrenceAttachments: new Map<Day, readonly AttachmentContent[]>(
      item.occurrences.flatMap(({ day }, at) => {
        const heads = rest[at] ?? [];
        return heads.length > 0 ? [[day, contentsOf(heads, fetched)] as const] : [];
      }),
    ),
  };
}
