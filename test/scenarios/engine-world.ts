import { joinQuestions, joinTyped } from '#engine/join-typed.ts';
import type { TypedDecision, TypedKnowledge } from '#engine/join-typed-decisions.ts';
import { mergeTyped, type SideEdit, seenAfter, type TypedConflict } from '#engine/merge-typed.ts';
import { asCreatedOn } from '#engine/reminders.ts';
import { settleDuplicates, settleGone } from '#engine/settle-typed.ts';
import { sameShown, shown } from '#engine/shown.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { must } from '#kit/assert.ts';
import type { FolderId, ItemId, LinkId, MailboxGuid, Side, Version } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import { firstIdOf, type StampText, stampKey, writeStamp } from '#model/stamp.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { LinkEnd, Shown, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { CalendarServer } from './calendar-server.ts';
import type { JournalEntry, ScenarioBackend, ScenarioWorld } from './scenario-world.ts';

type Event = TypedItem<'calendar'>;
const sides = ['left', 'right'] as const;
const otherSide = (side: Side): Side => (side === 'left' ? 'right' : 'left');
const own = ['ana@source.example', 'ana@target.example'];

/** What a database would hold. */
interface Records {
  links: Map<LinkId, TypedLinkRow>;
  intents: TypedIntentRow[];
  unlinked: Map<string, UnlinkedRow>;
  journal: TypedConflict[];
  cursors: Record<Side, number>;
  pass: number;
}
const noRecords = (): Records => ({
  links: new Map(),
  intents: [],
  unlinked: new Map(),
  journal: [],
  cursors: { left: 0, right: 0 },
  pass: 0,
});

class Died extends Error {}

/** The decisions of the engine, carried out on two small calendar servers by the shortest pass that obeys them. */
class EngineWorld implements ScenarioWorld {
  private readonly servers: Readonly<Record<Side, CalendarServer>>;
  private records = noRecords();
  /** What survives when the process dies. */
  private durable = noRecords();
  private policy: TypedPolicy;
  private serial = 0;
  private diesAfterWrite = false;
  /** The person works on the other side now: the next pass compares everything. */
  private isSwitched = false;
  /** What the last pass found to be no part of the series beside it. */
  private apart = { left: new Set<ItemId>(), right: new Set<ItemId>() };

  constructor(policy: TypedPolicy) {
    let at = Date.UTC(2024, 0, 1);
    const tick = () => (at += 1000);
    this.servers = { left: new CalendarServer('left', tick), right: new CalendarServer('right', tick) };
    this.policy = policy;
  }

  async items(side: Side) {
    return [...this.servers[side].items.values()].map((item) => ({ folder: item.head.folder as string, item }));
  }
  async create(side: Side, folder: string, event: Parameters<ScenarioWorld['create']>[2]) {
    this.servers[side].create(folder as FolderId, event, null);
  }
  async edit(side: Side, id: ItemId, edit: Parameters<ScenarioWorld['edit']>[2]) {
    this.servers[side].update(id, edit);
  }
  async move(side: Side, id: ItemId, folder: string) {
    this.servers[side].move(id, folder as FolderId);
  }
  async remove(side: Side, id: ItemId) {
    this.servers[side].delete(id);
  }
  async touch(side: Side, id: ItemId) {
    this.servers[side].touch(id);
  }
  async setPolicy(policy: TypedPolicy) {
    this.isSwitched = policy.active !== this.policy.active;
    this.policy = policy;
  }
  async loseRecords() {
    this.records = { ...noRecords(), journal: this.records.journal };
  }
  async journal(): Promise<readonly JournalEntry[]> {
    return this.records.journal;
  }
  /** Nothing here can send; that nothing does is what other backends show. */
  async mails() {
    return 0;
  }
  async close() {}

  async sync(failing: 'unrecorded' | 'halfway' | null) {
    const before = this.servers.left.writes + this.servers.right.writes;
    this.durable = structuredClone(this.records);
    this.diesAfterWrite = failing === 'halfway';
    try {
      this.pass();
      if (failing) this.records = this.durable;
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.records = this.durable;
    } finally {
      this.diesAfterWrite = false;
    }
    return this.servers.left.writes + this.servers.right.writes - before;
  }

  private pass(): void {
    const { records, servers } = this;
    records.pass++;
    const feeds = {
      left: servers.left.feed.slice(records.cursors.left),
      right: servers.right.feed.slice(records.cursors.right),
    };
    const base: Omit<TypedKnowledge, 'gone'> = {
      ...feeds,
      pass: records.pass,
      policy: this.policy,
      lookedForSinceMs: records.pass,
      links: [...records.links.values()],
      intents: records.intents,
      unlinked: [...records.unlinked.values()],
      apart: this.apart,
      setAside: { left: new Set(), right: new Set() },
      counterpart: (_, folder) => (folder === ('Private' as FolderId) ? null : folder),
    };
    const questions = joinQuestions(base);
    const goneOf = (side: Side) => new Set(questions[side].filter((id) => !servers[side].items.has(id)));
    const decisions = joinTyped({ ...base, gone: { left: goneOf('left'), right: goneOf('right') } });
    for (const side of sides) {
      records.cursors[side] += feeds[side].length;
      for (const entry of feeds[side]) if (entry.kind === 'delete') records.unlinked.delete(`${side} ${entry.id}`);
    }
    this.apart = { left: new Set(), right: new Set() };
    for (const decision of decisions) this.carryOut(decision);
    if (this.isSwitched) for (const link of [...records.links.values()]) this.match(link, link.left.id, link.right.id);
    this.isSwitched = false;
    records.intents = [];
  }

  private carryOut(decision: TypedDecision): void {
    const { records } = this;
    switch (decision.do) {
      case 'see':
      case 'wait':
      case 'stay-gone':
        records.links.set(decision.link.id, decision.link);
        return;
      case 'forget':
        records.links.delete(decision.link.id);
        return;
      case 'unlink':
        records.links.delete(decision.link.id);
        for (const side of sides) {
          const { head } = this.servers[side].get(decision.link[side].id);
          records.unlinked.set(`${side} ${head.id}`, { side, head });
        }
        return;
      case 'leave':
        records.unlinked.set(`${decision.side} ${decision.head.id}`, decision);
        return;
      case 'create':
        this.copy(decision.on, decision.folder, decision.from.id);
        return;
      case 'adopt':
        this.match(null, decision.left.id, decision.right.id, false, decision.intent?.from.seen);
        return;
      case 'compare':
        this.compare(decision);
        return;
      case 'orphan': {
        const { copy, intent } = decision;
        const { side, from } = intent;
        const made = this.servers[side].items.get(copy.id);
        if (!made) return;
        const here = { ...endOf(made), folder: intent.folder, version: '' as Version };
        const ends = side === 'left' ? { left: here, right: from } : { left: from, right: here };
        const link = this.link(ends, made, intent.stampKey);
        const state = `${otherSide(side)}-gone` as const;
        records.links.set(link.id, { ...link, state, goneSincePass: records.pass });
        return;
      }
      case 'settle':
        this.settle(decision.link, decision.gone);
        return;
      case 'dedupe':
        this.dedupe(decision);
        return;
    }
  }

  private copy(on: Side, folder: FolderId, from: ItemId): void {
    const source = this.servers[otherSide(on)].items.get(from);
    if (!source) return;
    const item = asCreatedOn(on, source, this.policy);
    const stamp: StampText = writeStamp({
      organization: 'lab',
      mailbox: 'm' as MailboxGuid,
      searchKey: '',
      firstId: firstIdOf(from),
      fingerprint: '',
      sizeBytes: 0,
      nonce: `${++this.serial}`,
    });
    const identity = must(item.head.identity, 'events have an identity');
    this.durable.intents.push({
      stampKey: stampKey(stamp),
      stamp,
      side: on,
      folder,
      identity,
      from: { id: from, folder: source.head.folder, version: source.head.version, seen: shown(source) },
      settledAfterMs: 0,
    });
    const made = this.servers[on].create(
      folder,
      { identity, fields: item.fields },
      stamp,
      this.diesAfterWrite ? undefined : item,
    );
    this.dieAfter();
    const [left, right] = on === 'right' ? [source, made] : [made, source];
    const link = this.link({ left: endOf(left), right: endOf(right) }, source, stampKey(stamp));
    // Reminders that were set where the person does not work move over.
    this.match(link, left.head.id, right.head.id, true);
  }

  private link(
    ends: { readonly left: LinkEnd; readonly right: LinkEnd },
    item: Event,
    key: TypedLinkRow['stampKey'],
    id?: LinkId,
  ): TypedLinkRow {
    const row: TypedLinkRow = {
      id: id ?? (`link-${++this.serial}` as LinkId),
      identity: item.head.identity,
      stampKey: key,
      ...ends,
      state: 'live',
      goneSincePass: null,
    };
    this.records.links.set(row.id, row);
    for (const side of sides) this.records.unlinked.delete(`${side} ${ends[side].id}`);
    return row;
  }

  private compare(decision: Extract<TypedDecision, { do: 'compare' }>): void {
    const { move, movedApart } = decision;
    let { link } = decision;
    if (movedApart) {
      this.records.journal.push({
        ...movedApart,
        outcome: 'moved-apart',
        field: 'folder',
        day: null,
        base: null,
        why: 'moved on both sides',
      });
    }
    if (move) {
      const moved = this.servers[move.on].move(link[move.on].id, move.to);
      link = { ...link, [move.on]: { ...link[move.on], id: moved.head.id, folder: move.to } };
    }
    this.match(link, link.left.id, link.right.id);
  }

  /** Merges two items that belong together, and records them. */
  private match(
    link: TypedLinkRow | null,
    leftId: ItemId,
    rightId: ItemId,
    evenUntouched = this.isSwitched,
    madeOf?: Shown,
  ): void {
    const now = { left: this.servers.left.items.get(leftId), right: this.servers.right.items.get(rightId) };
    const { left, right } = now;
    // Gone in the meantime: the next feed says so.
    if (!left || !right) return;
    const seen = link && { left: link.left.seen, right: link.right.seen };
    const isTouch =
      !evenUntouched && link && sides.every((side) => sameShown(shown(now[side] as Event), link[side].seen));
    if (link && isTouch) {
      const ends = {
        left: { ...endOf(left), seen: link.left.seen },
        right: { ...endOf(right), seen: link.right.seen },
      };
      this.link(ends, left, link.stampKey, link.id);
      return;
    }
    const merge = mergeTyped({
      kind: 'calendar',
      left,
      right,
      seen,
      madeOf: madeOf ?? null,
      policy: this.policy,
      own,
      clockOf,
    });
    const after = { left, right };
    this.durable.journal.push(...merge.precautions);
    if (link && merge.before) {
      const { left: seenLeft, right: seenRight } = merge.before;
      this.durable.links.set(link.id, {
        ...link,
        left: { ...link.left, seen: seenLeft },
        right: { ...link.right, seen: seenRight },
      });
    }
    this.records.journal.push(...merge.precautions);
    for (const side of merge.order) {
      const edit = merge[side];
      if (edit) after[side] = this.write(side, now[side] as Event, edit, link);
    }
    this.records.journal.push(...merge.conflicts);
    const ends = { left: endOf(after.left), right: endOf(after.right) };
    this.link(
      {
        left: { ...ends.left, seen: seenAfter('left', after.left, seen?.left ?? null, merge) },
        right: { ...ends.right, seen: seenAfter('right', after.right, seen?.right ?? null, merge) },
      },
      left,
      link?.stampKey ?? null,
      link?.id,
    );
  }

  private write(side: Side, item: Event, { edit, needs }: SideEdit<'calendar'>, link: TypedLinkRow | null): Event {
    for (const need of needs) this.checkNeed(need, link);
    const written = this.servers[side].update(item.head.id, this.diesAfterWrite ? { ...edit, occurrences: [] } : edit);
    this.dieAfter();
    return written;
  }

  private checkNeed({ side, day, heads }: SideEdit<'calendar'>['needs'][number], link: TypedLinkRow | null): void {
    if (!link) return;
    const holder = this.servers[side].get(link[side].id);
    const there =
      day === null ? holder.fields.attachments : holder.occurrences.find((o) => o.day === day)?.overrides.attachments;
    for (const head of heads)
      must(
        there?.find((a) => a.hash === head.hash),
        `the ${side} does not hold ${head.name}`,
      );
  }

  private dieAfter(): void {
    if (this.diesAfterWrite) throw new Died();
  }

  private settle(link: TypedLinkRow, gone: Side): void {
    const there = otherSide(gone);
    const item = this.servers[there].items.get(link[there].id) ?? null;
    const decision = settleGone(link, gone, item, this.policy);
    this.records.links.delete(link.id);
    if ('conflict' in decision && decision.conflict) this.records.journal.push(decision.conflict);
    if (decision.do === 'remove') this.servers[there].delete(link[there].id);
    if (decision.do === 'revive' && item) this.copy(decision.on, item.head.folder, item.head.id);
    if (decision.do === 'keep' && item)
      this.records.unlinked.set(`${there} ${item.head.id}`, { side: there, head: item.head });
  }

  private dedupe({ on, heads, link }: Extract<TypedDecision, { do: 'dedupe' }>): void {
    const server = this.servers[on];
    const ids = [...heads.map((h) => h.id), ...(link ? [link[on].id] : [])];
    const items = ids.flatMap((id) => server.items.get(id) ?? []);
    const settled = settleDuplicates(on, items, link?.[on].id ?? null, own, this.policy, clockOf);
    if (!settled) return;
    for (const { head } of settled.apart) {
      this.apart[on].add(head.id);
      this.records.unlinked.set(`${on} ${head.id}`, { side: on, head });
    }
    if (settled.edit) server.update(settled.keep.head.id, settled.edit);
    for (const item of settled.remove) {
      server.delete(item.head.id);
      this.records.unlinked.delete(`${on} ${item.head.id}`);
    }
    this.records.journal.push(...settled.conflicts, ...settled.overruled);
    const kept = server.get(settled.keep.head.id);
    if (!link) this.records.unlinked.set(`${on} ${kept.head.id}`, { side: on, head: kept.head });
    else if (link[on].id !== kept.head.id) {
      const taken = { ...link, [on]: { ...link[on], id: kept.head.id, folder: kept.head.folder } };
      this.match(taken, taken.left.id, taken.right.id);
    }
  }
}

const endOf = (item: Event): LinkEnd => ({
  id: item.head.id,
  folder: item.head.folder,
  version: item.head.version,
  seen: shown(item),
});

export const engineBackend: ScenarioBackend = {
  name: 'engine',
  cannot: [],
  open: async (policy) => new EngineWorld(policy),
};
