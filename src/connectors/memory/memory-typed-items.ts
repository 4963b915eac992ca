import { assert, must } from '#kit/assert.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type {
  AttachmentContent,
  AttachmentHead,
  EventIdentity,
  ModifiedOccurrence,
  OccurrenceOverrides,
} from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { TypedDraft, TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { TypedChange, TypedItems, TypedWritten, Written } from '../contract.ts';
import type { MemoryMailbox, MemoryOrganization } from './memory-organization.ts';
import { recurrenceOf, type StoredTyped, versionOf } from './memory-typed-store.ts';

/** What the typed items share with the mail of their mailbox. */
export interface TypedParts {
  readonly organization: MemoryOrganization;
  readonly changePageMax: number;
  /** Asks `before` of the organization. */
  open(operation: string): MemoryMailbox;
  folderOf(box: MemoryMailbox, id: FolderId): { readonly id: FolderId };
  batch<T, R>(
    operation: string,
    things: readonly T[],
    idOf: (thing: T) => { id?: ItemId; sizeBytes?: number },
    write: (box: MemoryMailbox, thing: T) => R | Fault,
  ): readonly (R | Fault)[];
}

const gone: Fault = { kind: 'gone', detail: 'the item is not there' };
const stale: Fault = { kind: 'stale', detail: 'somebody else wrote first' };

/** Events, contacts, tasks or notes of a mailbox in memory. Occurrences are written after their series, as with Exchange. */
export function memoryTypedItems<Kind extends TypedKind>(kind: Kind, parts: TypedParts): TypedItems<Kind> {
  const { organization, open, folderOf, batch } = parts;

  /** What a write is answered with. A server that touches items does so right afterwards. */
  const written = (box: MemoryMailbox, item: StoredTyped): Written => {
    const answer = { id: item.id, version: versionOf(item) };
    if (box.typed.habits.touches) box.typed.touch(item.id);
    return answer;
  };
  const all = (box: MemoryMailbox, folder: FolderId): readonly StoredTyped<Kind>[] =>
    [...box.typed.items.values()].flatMap(({ id, folder: its }) => {
      const item = its === folder ? box.typed.find(kind, id) : null;
      return item ? [item] : [];
    });

  return {
    async changes(folder, cursor) {
      const box = open('typedChanges');
      const feed = box.feed(folderOf(box, folder).id, cursor, parts.changePageMax);
      const changes = feed.entries.flatMap(({ kind: what, id }): TypedChange[] => {
        if (what === 'delete') return [{ kind: 'delete', id }];
        const item = box.typed.find(kind, id);
        return item ? [{ kind: 'upsert', head: box.typed.head(item) }] : [];
      });
      return { changes, cursor: feed.cursor, complete: feed.complete };
    },

    async read(ids) {
      const box = open('typedRead');
      return new Map(
        ids.map((id): [ItemId, TypedItem<Kind> | Fault] => {
          const item = box.typed.find(kind, id);
          return [id, organization.itemFault('typedRead', { id }) ?? (item ? box.typed.show(item) : gone)];
        }),
      );
    },

    async attachments(id, day, wanted) {
      const box = open('typedAttachments');
      const item = box.typed.find(kind, id);
      if (!item) throw new FaultError(gone);
      const here = attachmentsOf(day === null ? item.fields : (item.occurrences.get(day) ?? {}));
      const asked = new Set(wanted.map(({ hash }) => hash));
      return new Map(
        here
          .filter(({ hash }) => asked.has(hash))
          .map((head): [string, AttachmentContent] => [
            head.hash,
            { head, bytes: payloadOfBytes(must(box.typed.bytesOf(head.hash), 'bytes of an attachment')) },
          ]),
      );
    },

    async findByIdentity(folder, identities) {
      const box = open('typedFindByIdentity');
      const found = new Map<EventIdentity, TypedHead[]>();
      for (const item of all(box, folderOf(box, folder).id)) {
        if (item.identity === null || !identities.includes(item.identity)) continue;
        found.set(item.identity, [...(found.get(item.identity) ?? []), box.typed.head(item)]);
      }
      return found;
    },

    async create(folder, drafts) {
      const loaded = await Promise.all(drafts.map(loadDraft));
      return batch(
        'typedCreate',
        loaded,
        ({ draft, sizeBytes }) => ({ id: draft.item.head.id, sizeBytes }),
        (box, draft): TypedWritten => {
          const { stray } = placed(draft.draft.item.fields, occurrencesOf(draft.draft.item));
          return { ...written(box, createOne(box, folderOf(box, folder).id, draft)), unkept: unkeptDays(stray) };
        },
      );
    },

    async update(edits) {
      const loaded = await Promise.all(edits.map(loadEdit));
      return batch(
        'typedUpdate',
        loaded,
        ({ item }) => ({ id: item.head.id }),
        (box, { item, edit, contents }): TypedWritten | Fault => {
          const known = box.typed.find(kind, item.head.id);
          if (!known) return gone;
          if (versionOf(known) !== item.head.version) return stale;
          const there = new Set(
            [known.fields, ...known.occurrences.values()].flatMap(attachmentsOf).map(({ hash }) => hash),
          );
          for (const { head, bytes } of contents) there.add(box.typed.keep(bytes, head).hash);
          const named = [edit.set, ...edit.occurrences.map((o) => (o.do === 'modify' ? o.overrides : {}))];
          assert(
            named.flatMap(attachmentsOf).every(({ hash }) => there.has(hash)),
            'an edit brings the bytes of every attachment that it names and the item lacks',
          );
          const { set, occurrences } = bringingBack(known, edit);
          const { kept, stray } = placed({ ...known.fields, ...set }, occurrences);
          const changed = box.typed.edit<Kind>(known.id, { ...edit, set, occurrences: kept }, () =>
            organization.between('typedUpdate', box),
          );
          return { ...written(box, changed), unkept: unkeptDays(stray) };
        },
      );
    },

    move: async (ids, to) =>
      batch(
        'typedMove',
        ids,
        (id) => ({ id }),
        (box, id): Written | Fault => {
          const target = folderOf(box, to).id;
          return box.typed.find(kind, id) ? written(box, box.typed.move(id, target)) : gone;
        },
      ),

    remove: async (items) =>
      batch(
        'typedRemove',
        items,
        ({ id }) => ({ id }),
        (box, { id, expect }): null | Fault => {
          const item = box.typed.find(kind, id);
          if (!item) return gone;
          if (versionOf(item) !== expect) return stale;
          box.typed.remove(id);
          return null;
        },
      ),
  };

  function createOne(box: MemoryMailbox, folder: FolderId, { draft, contents, ofOccurrences }: LoadedDraft<Kind>) {
    const { item, stamp } = draft;
    const { identity, itemClass } = item.head;
    const keepAll = (some: readonly LoadedAttachment[]) => some.map(({ head, bytes }) => box.typed.keep(bytes, head));
    const fields = 'attachments' in item.fields ? { ...item.fields, attachments: keepAll(contents) } : item.fields;
    const made = box.typed.add(kind, folder, fields, { identity, itemClass, stamp, extras: item.extras });
    const { kept } = placed(fields, occurrencesOf(item));
    if (kept.length === 0) return made;
    const occurrences = kept.map((one) =>
      one.do === 'modify'
        ? { ...one, overrides: withAttachments(one.overrides, keepAll(ofOccurrences.get(one.day) ?? [])) }
        : one,
    );
    return box.typed.writeOccurrences<Kind>(made.id, occurrences, () => organization.between('typedCreate', box));
  }
}

type Occurrences = TypedEdit['occurrences'];

const occurrencesOf = ({
  occurrences,
  deletedDays,
}: {
  readonly occurrences: Iterable<ModifiedOccurrence>;
  readonly deletedDays: Iterable<Day>;
}): Occurrences => [
  ...[...occurrences].map((one) => ({ ...one, do: 'modify' as const })),
  ...[...deletedDays].map((day) => ({ day, do: 'delete' as const })),
];

/** Occurrences for which the pattern has a place, and the others, of which no server can keep anything. */
function placed(fields: object, all: Occurrences): { readonly kept: Occurrences; readonly stray: Occurrences } {
  const recurrence = recurrenceOf(fields);
  const hasPlace = ({ day }: Occurrences[number]) => recurrence !== null && isOccurrenceDay(recurrence, day);
  return { kept: all.filter(hasPlace), stray: all.filter((one) => !hasPlace(one)) };
}

const unkeptDays = (stray: Occurrences): TypedWritten['unkept'] =>
  stray.length === 0 ? {} : { occurrences: `${stray.length} days that the pattern does not have` };

/** A deleted occurrence comes back with a new pattern only, even when that says the same; then all others have to be made again. */
function bringingBack<Kind extends TypedKind>(
  item: StoredTyped<Kind>,
  { set, occurrences }: TypedEdit<Kind>,
): Pick<TypedEdit<Kind>, 'set' | 'occurrences'> {
  const back = occurrences.some((one) => one.do === 'modify' && item.deletedDays.has(one.day));
  if (!back || 'recurrence' in set || 'when' in set) return { set, occurrences };
  const named = new Set(occurrences.map(({ day }) => day));
  const others = occurrencesOf({
    occurrences: [...item.occurrences].map(([day, overrides]) => ({ day, overrides })),
    deletedDays: item.deletedDays,
  }).filter(({ day }) => !named.has(day));
  return { set: { ...set, recurrence: recurrenceOf(item.fields) }, occurrences: [...others, ...occurrences] };
}

interface LoadedAttachment {
  readonly head: AttachmentHead;
  readonly bytes: Uint8Array;
}
interface LoadedDraft<Kind extends TypedKind> {
  readonly draft: TypedDraft<Kind>;
  readonly contents: readonly LoadedAttachment[];
  readonly ofOccurrences: ReadonlyMap<string, readonly LoadedAttachment[]>;
  readonly sizeBytes: number;
}

const load = (contents: readonly AttachmentContent[]): Promise<readonly LoadedAttachment[]> =>
  Promise.all(contents.map(async ({ head, bytes }) => ({ head, bytes: await payloadBytes(bytes) })));

async function loadDraft<Kind extends TypedKind>(draft: TypedDraft<Kind>): Promise<LoadedDraft<Kind>> {
  assert(
    draft.attachments.length === attachmentsOf(draft.item.fields).length,
    'a draft brings the bytes of each of its attachments',
  );
  const contents = await load(draft.attachments);
  const ofOccurrences = new Map(
    await Promise.all([...draft.occurrenceAttachments].map(async ([day, own]) => [day, await load(own)] as const)),
  );
  const sizeBytes = [contents, ...ofOccurrences.values()].flat().reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { draft, contents, ofOccurrences, sizeBytes };
}

async function loadEdit<Kind extends TypedKind>(given: {
  readonly item: TypedItem<Kind>;
  readonly edit: TypedEdit<Kind>;
}) {
  return { ...given, contents: await load([...given.edit.attachments.values()]) };
}

const attachmentsOf = (holder: object): readonly AttachmentHead[] =>
  (holder as { readonly attachments?: readonly AttachmentHead[] }).attachments ?? [];

const withAttachments = (
  overrides: OccurrenceOverrides,
  attachments: readonly AttachmentHead[],
): OccurrenceOverrides => (overrides.attachments === undefined ? overrides : { ...overrides, attachments });
