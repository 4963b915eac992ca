import { expect } from 'vitest';
import type { Context, Mailbox, TypedChange, TypedItems, TypedWritten } from '#connectors/contract.ts';
import { shown } from '#engine/shown.ts';
import { type FaultKind, isFault } from '#kit/fault.ts';
import type { When } from '#model/appointment.ts';
import type { FolderRole } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { TypedDraft, TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import { type ConnectorUnderTest, found } from './connector-suite.ts';

/** A mailbox under test, as a program has it: a call and what it has to be answered with. */
export class TypedBench {
  readonly it: ConnectorUnderTest;
  readonly box: Mailbox;

  constructor(it: ConnectorUnderTest) {
    this.it = it;
    this.box = it.connector.mailbox(it.people.address);
  }

  get context(): Context {
    return this.within(600_000);
  }
  within(ms: number): Context {
    return { signal: new AbortController().signal, deadlineMs: this.it.clock.monotonicMs() + ms };
  }
  typed<Kind extends TypedKind>(kind: Kind): TypedItems<Kind> {
    return found(this.box.typed(kind)) as TypedItems<Kind>;
  }
  get events(): TypedItems<'calendar'> {
    return this.typed('calendar');
  }
  async folder(role: FolderRole): Promise<FolderId> {
    return found((await this.box.roles(this.context)).get(role));
  }
  calendar(): Promise<FolderId> {
    return this.folder('calendar');
  }
  async secondFolder(kind: TypedKind): Promise<FolderId> {
    const parent = await this.folder(kind);
    const { folders } = await this.box.tree(this.context);
    const { containerClass } = found(folders.find(({ id }) => id === parent));
    return this.box.createFolder(parent, 'Second', containerClass, this.context);
  }

  async create<Kind extends TypedKind>(draft: TypedDraft<Kind>, folder?: FolderId): Promise<TypedWritten> {
    const { kind } = draft.item;
    const items: TypedItems<Kind> = this.typed(kind);
    return found((await items.create(folder ?? (await this.folder(kind)), [draft], this.context))[0]);
  }
  async read<Kind extends TypedKind>(kind: Kind, id: ItemId): Promise<TypedItem<Kind>> {
    return found((await this.typed(kind).read([id], this.context)).get(id)) as TypedItem<Kind>;
  }
  event(id: ItemId): Promise<TypedItem<'calendar'>> {
    return this.read('calendar', id);
  }
  /** What stands in the place of an item that cannot be read. */
  async missing(kind: TypedKind, id: ItemId): Promise<FaultKind | 'there'> {
    const answer = (await this.typed(kind).read([id], this.context)).get(id);
    return isFault(answer) ? answer.kind : 'there';
  }
  async update<Kind extends TypedKind>(item: TypedItem<Kind>, edit: Partial<TypedEdit<Kind>>): Promise<TypedWritten> {
    const whole = { set: {}, occurrences: [], attachments: new Map(), ...edit } as TypedEdit<Kind>;
    const items: TypedItems<Kind> = this.typed(item.kind);
    return found((await items.update([{ item, edit: whole }], this.context))[0]);
  }
  /** Updates and reads again. */
  async edited(item: TypedItem<'calendar'>, edit: Partial<TypedEdit<'calendar'>>): Promise<TypedItem<'calendar'>> {
    return this.event((await this.update(item, edit)).id);
  }
  /** A feed read to its end. */
  async changes(
    kind: TypedKind,
    folder: FolderId,
    cursor: Cursor | null = null,
  ): Promise<{ readonly changes: readonly TypedChange[]; readonly cursor: Cursor; readonly pages: number }> {
    const changes: TypedChange[] = [];
    let at = cursor;
    for (let pages = 1; ; pages++) {
      const page: Awaited<ReturnType<TypedItems<'calendar'>['changes']>> = await this.typed(kind).changes(
        folder,
        at,
        this.context,
      );
      expect(page.changes.length).toBeLessThanOrEqual(this.it.connector.abilities.changePageMax);
      changes.push(...page.changes);
      at = page.cursor;
      if (page.complete) return { changes, cursor: at, pages };
    }
  }
}

export const says = (changes: readonly TypedChange[]): readonly string[] =>
  changes.map((c) => (c.kind === 'upsert' ? `upsert ${c.head.id}` : `${c.kind} ${c.id}`)).sort();

/** Rules that a server adds to the name of a zone do not count: the name is what was written. */
export function withoutRules<Fields extends object>(fields: Fields): Fields {
  const { when: time } = fields as { readonly when?: When };
  if (time === undefined) return fields;
  const [startZone, endZone] = [time.startZone, time.endZone].map((zone) => zone && { ...zone, rules: null });
  return { ...fields, when: { ...time, startZone, endZone } };
}

/** What an item shows, in the canonical form of the merge: that is what a copy has to have in common with its original. */
function showOf(item: TypedItem, unkept: Readonly<Record<string, string>> = {}) {
  const { fields, occurrences } = shown({
    ...item,
    fields: withoutRules(item.fields),
    occurrences: item.occurrences.map((o) => ({ ...o, overrides: withoutRules(o.overrides) })),
  });
  return {
    fields: Object.fromEntries(Object.entries(fields).filter(([field]) => !Object.hasOwn(unkept, field))),
    occurrences,
  };
}

/** Everything that was given is there, but for what the server cannot keep and has said so. */
export function expectAlike(got: TypedItem, given: TypedItem, unkept: Readonly<Record<string, string>> = {}): void {
  expect(showOf(got, unkept)).toEqual(showOf(given, unkept));
}
