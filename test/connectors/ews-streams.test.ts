import type { Connector, Mailbox, TypedItems } from '#connectors/contract.ts';
import { isFault } from '#kit/fault.ts';
import type { Person } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedDraft, TypedItem } from '#model/typed-item.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';
import { openEwsLab } from './ews-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

/** Who calls every meeting of these tests that nobody calls: only a stream can say that, so events are uploaded rather than created. */
const cleo: Person = { name: 'Cleo', address: 'cleo@elsewhere.test' };

const called = (draft: TypedDraft<'calendar'>): TypedDraft<'calendar'> => {
  const { organizer } = draft.item.fields;
  return { ...draft, item: { ...draft.item, fields: { ...draft.item.fields, organizer: organizer ?? cleo } } };
};
/** As the tests know them. @throws Error for one that was created in the other way. */
const uncalled = (item: TypedItem<'calendar'>, uploaded: ReadonlySet<ItemId>): TypedItem<'calendar'> => {
  if (!uploaded.has(item.head.id)) return item;
  if (item.fields.organizer?.address !== cleo.address) throw new Error('this event was not uploaded');
  return { ...item, fields: { ...item.fields, organizer: null } };
};

function uploading(items: TypedItems<'calendar'>, uploaded: Set<ItemId>): TypedItems<'calendar'> {
  return {
    ...items,
    async create(folder, drafts, context) {
      const results = await items.create(folder, drafts.map(called), context);
      for (const [at, result] of results.entries())
        if (!isFault(result) && drafts[at]?.item.fields.organizer === null) uploaded.add(result.id);
      return results;
    },
    async read(ids, context) {
      const read = await items.read(ids, context);
      return new Map([...read].map(([id, one]) => [id, isFault(one) ? one : uncalled(one, uploaded)] as const));
    },
    update: (edits, context) => items.update(edits, context),
  };
}

function uploadingMailbox(box: Mailbox, uploaded: Set<ItemId>): Mailbox {
  const calendar = box.typed('calendar');
  const own = calendar === null ? null : uploading(calendar, uploaded);
  return { ...box, typed: (kind) => (kind === 'calendar' ? (own as never) : box.typed(kind)) };
}

function uploadingConnector(connector: Connector): Connector {
  const uploaded = new Set<ItemId>();
  return { ...connector, mailbox: (address) => uploadingMailbox(connector.mailbox(address), uploaded) };
}

typedSuite({
  name: 'events uploaded as streams to the lab’s 2010',
  itemMaxBytes,
  kinds: ['calendar', 'contacts', 'tasks', 'notes'],
  async open() {
    const it = await openEwsLab('2010', itemMaxBytes);
    return { ...it, connector: uploadingConnector(it.connector) };
  },
  deviations: [],
});
