import type { DirectoryRefusal, DirectoryWritten } from '#connectors/directory/contract.ts';
import { withGuids } from '#engine/directory/draft.ts';
import type { DirectoryPlan, PlannedEdit, PlannedLink } from '#engine/directory/plan.ts';
import { linkAfter, type PlannedEnd, plannedEnd, type WrittenEnd } from '#engine/directory/shown.ts';
import type { DirectorySight } from '#engine/directory/view.ts';
import { must } from '#kit/assert.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import { type DirectoryContext, sides } from './directory-context.ts';
import { asksTheSame, entryOf, noLongerWanted, openHandedOver, subjectOf, withdrawn } from './handed-over.ts';

/** Edits of a side that are written together: their entries are recorded in one transaction, before and after. */
const BATCH = 100;
const RESOLVE_BATCH = 500;

export interface RefusedEdit {
  readonly edit: PlannedEdit;
  readonly reason: DirectoryRefusal;
  readonly detail: string;
}

export interface CarriedOut {
  readonly writes: number;
  readonly refused: readonly RefusedEdit[];
  /** Edits that were left out because one that they need was refused. */
  readonly leftOut: readonly PlannedEdit[];
  /** Lines of PowerShell that somebody has to run, with the reason. */
  readonly handedOver: readonly { readonly side: Side; readonly script: readonly string[]; readonly why: string }[];
  /** Links that were not known before. */
  readonly linked: readonly { readonly left: ObjectGuid; readonly right: ObjectGuid }[];
}

/**
 * Carries out a plan: each batch is journalled as open, written, read back, and recorded with the links that are complete by it. Edits
 * whose needs were refused are left out.
 *
 * Each side goes on by itself, and no controller waits for our books: while a batch is written, the next one is journalled and the one
 * before is read back and recorded. An edit begins only after what it needs was recorded as done, so that whatever a crash leaves open can
 * be told by itself (`settle-open.ts`): at most three batches a side.
 */
export async function carryOut(
  context: DirectoryContext,
  plan: DirectoryPlan,
  view: BySide<DirectorySight>,
): Promise<CarriedOut> {
  const run = new Run(context, plan, view);
  await run.everything();
  return run.outcome;
}

type State = 'done' | 'handed-over' | 'failed';

/** Edits that stand in the journal as open. */
interface Opened {
  readonly edit: PlannedEdit;
  /** With the GUIDs of what was made before. */
  readonly change: DirectoryEdit;
  readonly no: number;
}

/** A promise that is awaited later: until then nobody minds if it fails. */
function forLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

class Run {
  readonly #context: DirectoryContext;
  readonly #plan: DirectoryPlan;
  readonly #view: BySide<DirectorySight>;
  /** Edits of a side that are still to be written, in the order of the plan. */
  readonly #rest: Record<Side, readonly PlannedEdit[]>;
  readonly #states = new Map<number, State>();
  /** Edits whose state is recorded: what needs them may begin. */
  readonly #recorded = new Set<number>();
  /** Edits that got a state since links were last looked at. */
  #ended: number[] = [];
  /** One batch is recorded after the other, since a link may be complete by edits of both sides. */
  #recording: Promise<void> = Promise.resolve();
  /** Called when there may be something to begin, or nothing is to be begun any more. */
  #waiting: (() => void)[] = [];
  #isOver = false;
  readonly #placeholders: ReadonlySet<ObjectGuid>;
  readonly #made = new Map<ObjectGuid, ObjectGuid>();
  readonly #pendingLinks: Set<PlannedLink>;
  /** Of every link, before anything was written. */
  readonly #ends: ReadonlyMap<PlannedLink, BySide<PlannedEnd | null>>;
  readonly #pendingForgets: Set<DirectoryPlan['forget'][number]>;
  /** Links by the edits that they wait for. */
  readonly #linksOf = new Map<number, PlannedLink[]>();
  readonly #incomplete = new Set<number>();
  /** What is handed over already, by its subject: it is not asked for again. */
  readonly #asked = new Map<string, DirectoryJournalRow>();
  readonly #refused: RefusedEdit[] = [];
  readonly #leftOut: PlannedEdit[] = [];
  readonly #handedOver: CarriedOut['handedOver'][number][] = [];
  readonly #linked: CarriedOut['linked'][number][] = [];
  #writes = 0;

  constructor(context: DirectoryContext, plan: DirectoryPlan, view: BySide<DirectorySight>) {
    this.#context = context;
    this.#plan = plan;
    this.#view = view;
    this.#placeholders = new Set(plan.edits.flatMap(({ makes }) => makes ?? []));
    this.#pendingLinks = new Set(plan.links);
    const endOf = (link: PlannedLink, side: Side): PlannedEnd | null => {
      const object = view[side].objects.get(link[side]);
      return object ? plannedEnd(context.policy, object, view[side]) : null;
    };
    this.#ends = new Map(plan.links.map((link) => [link, { left: endOf(link, 'left'), right: endOf(link, 'right') }]));
    this.#pendingForgets = new Set(plan.forget);
    for (const link of plan.links)
      for (const no of link.edits) {
        const links = this.#linksOf.get(no);
        if (links) links.push(link);
        else this.#linksOf.set(no, [link]);
      }
    this.#rest = {
      left: plan.edits.filter(({ side }) => side === 'left'),
      right: plan.edits.filter(({ side }) => side === 'right'),
    };
  }

  get outcome(): CarriedOut {
    return {
      writes: this.#writes,
      refused: this.#refused,
      leftOut: this.#leftOut,
      handedOver: this.#handedOver,
      linked: this.#linked,
    };
  }

  async everything(): Promise<void> {
    await this.#recordGone();
    if (sides.some((side) => this.#context.ends[side].kind === 'entra')) await this.#lookAtHandedOver();
    await this.#record(
      [],
      this.#plan.links.filter(({ edits }) => edits.length === 0),
    );
    const ends = await Promise.allSettled(sides.map((side) => this.#workOn(side)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Batch after batch of a side, to the end of the plan or the first failure on either side. What is under way is recorded even then. */
  async #workOn(side: Side): Promise<void> {
    let next: Promise<readonly Opened[] | null> = Promise.resolve(null);
    let recorded: Promise<void> = Promise.resolve();
    try {
      for (let batch = await this.#openNext(side); batch !== null; ) {
        next = forLater(this.#open(side));
        const answers = await this.#context.ends[side].directory.write(
          batch.map(({ change }) => change),
          this.#context.call(),
        );
        await recorded;
        recorded = forLater(this.#settle(batch, answers));
        batch = (await next) ?? (await this.#openNext(side));
      }
      await recorded;
    } catch (error) {
      this.#breakOff();
      await Promise.allSettled([next, recorded]);
      throw error;
    }
  }

  /** Waits until there is something to begin. Null: there is nothing any more. */
  async #openNext(side: Side): Promise<readonly Opened[] | null> {
    for (;;) {
      const rung = new Promise<void>((ring) => this.#waiting.push(ring));
      const batch = await this.#open(side);
      if (batch !== null || this.#isOver || this.#rest[side].length === 0) return batch;
      // What the rest needs is on its way: needs have smaller numbers, so that the first of all that are left waits for nothing else.
      await rung;
    }
  }

  /** Nothing is begun any more, on neither side. */
  #breakOff(): void {
    this.#isOver = true;
    this.#ring();
  }

  #ring(): void {
    for (const ring of this.#waiting.splice(0)) ring();
  }

  /** Journals the edits that may begin now. Null: there are none. */
  async #open(side: Side): Promise<readonly Opened[] | null> {
    if (this.#isOver) return null;
    this.#context.checkpoint();
    const { sync, pass, store, claim, clock } = this.#context;
    const edits = this.#take(side).map((edit) => ({
      edit,
      change: withGuids(edit.change, this.#made) as DirectoryEdit,
    }));
    if (edits.length === 0) return null;
    const atMs = clock.nowMs();
    const numbers = await store.commitDirectory(sync, claim, {
      journal: edits.map(({ edit, change }) => ({
        pass,
        atMs,
        ...entryOf({ ...edit, change }),
        dn: edit.dn,
        reason: `${edit.reason}: ${edit.detail}`,
        outcome: 'open',
        detail: null,
      })),
    });
    return edits.map((opened, at) => ({ ...opened, no: must(numbers[at], 'a number for each entry') }));
  }

  /** The first edits of a side whose needs are recorded as done. What cannot be done any more is left out on the way. */
  #take(side: Side): readonly PlannedEdit[] {
    const batch: PlannedEdit[] = [];
    for (let isNews = true; isNews && batch.length === 0; ) {
      isNews = false;
      const later: PlannedEdit[] = [];
      for (const [at, edit] of this.#rest[side].entries()) {
        if (batch.length >= BATCH) {
          later.push(...this.#rest[side].slice(at));
          break;
        }
        const needs = edit.needs.map((no) => (this.#recorded.has(no) ? this.#states.get(no) : undefined));
        if (needs.some((state) => state === 'failed' || state === 'handed-over')) {
          isNews = true;
          const reduced = this.#withoutFailed(edit);
          if (reduced !== null) later.push(reduced);
          // Its own object is not there until a script has made it: then the next plan asks for this again.
          else if (!needs.includes('failed')) this.#endUnwritten(edit, 'handed-over');
          else {
            this.#endUnwritten(edit, 'failed');
            this.#leftOut.push(edit);
          }
        } else if (this.#isAsked(edit)) {
          isNews = true;
          this.#endUnwritten(edit, 'handed-over');
        } else if (needs.includes(undefined)) later.push(edit);
        else batch.push(edit);
      }
      this.#rest[side] = later;
    }
    return batch;
  }

  #endUnwritten({ no }: PlannedEdit, state: State): void {
    this.#end(no, state);
    this.#recorded.add(no);
    this.#ring();
  }

  #end(no: number, state: State): void {
    this.#states.set(no, state);
    this.#ended.push(no);
    this.#context.progress?.(this.#states.size, this.#plan.edits.length);
  }

  async #lookAtHandedOver(): Promise<void> {
    const rows = await openHandedOver(this.#context.store, this.#context.sync);
    const unwanted = noLongerWanted(rows, this.#plan);
    if (unwanted.length > 0) await this.#context.commit({ journalSettled: withdrawn(unwanted) });
    for (const row of rows) if (!unwanted.includes(row)) this.#asked.set(subjectOf(row), row);
  }

  #isAsked(edit: PlannedEdit): boolean {
    if (this.#asked.size === 0) return false;
    const entry = this.#asked.get(subjectOf(entryOf(edit)));
    return entry !== undefined && asksTheSame(entry, entryOf(edit));
  }

  async #recordGone(): Promise<void> {
    const { store, sync } = this.#context;
    const since = new Map(this.#plan.gone.map(({ left, sincePass }) => [left, sincePass]));
    const links = (await store.directoryLinks(sync, 'left', [...since.keys()])).flatMap((link) => {
      const goneSincePass = since.get(link.left);
      return goneSincePass === undefined ? [] : [{ ...link, goneSincePass }];
    });
    if (links.length > 0) await this.#context.commit({ links });
  }

  /**
   * A group whose other members are there is written without the one that could not be made. Its link is left as it was, so that the next
   * plan tries again.
   *
   * @returns null: nothing is left of the edit, or its own object is missing.
   */
  #withoutFailed(edit: PlannedEdit): PlannedEdit | null {
    const { change } = edit;
    if (change.kind !== 'modify' || this.#guidOf(change.guid) === null) return null;
    const failed = edit.needs.filter((no) => ['failed', 'handed-over'].includes(this.#states.get(no) ?? ''));
    const adds = failed.flatMap((no) => this.#plan.edits[no] ?? []);
    if (adds.some(({ change: need }) => need.kind !== 'add')) return null;
    const missing = new Set<string>(adds.flatMap(({ dn, makes }) => [dn, makes ?? dn]));
    const isThere = (value: string) => !missing.has(value);
    const values = Object.fromEntries(
      Object.entries(change.values)
        .map(([name, { remove, add }]) => [name, { remove, add: add.filter(isThere) }] as const)
        .filter(([, { remove, add }]) => remove.length + add.length > 0),
    );
    const after = Object.fromEntries(Object.entries(edit.after).map(([name, list]) => [name, list.filter(isThere)]));
    if (Object.keys(values).length === 0) return null;
    this.#incomplete.add(edit.no);
    return { ...edit, change: { ...change, values }, after, needs: edit.needs.filter((no) => !failed.includes(no)) };
  }

  /** What became of a batch, recorded once everything before it is. */
  #settle(batch: readonly Opened[], answers: readonly DirectoryWritten[]): Promise<void> {
    const record = async (): Promise<void> => {
      const settled = batch.map(({ no, edit }, at) =>
        this.#settleOne(no, edit, must(answers[at], 'an answer for each edit')),
      );
      const links = new Set(this.#ended.splice(0).flatMap((no) => this.#linksOf.get(no) ?? []));
      const removed = batch.filter(
        ({ edit, change }) => change.kind === 'remove' && this.#states.get(edit.no) === 'done',
      );
      await this.#record(settled, [...links], removed.length);
      for (const { edit } of batch) this.#recorded.add(edit.no);
      this.#ring();
    };
    this.#recording = this.#recording.then(record).catch((error: unknown) => {
      // Whoever waits for what was to be recorded would wait for ever.
      this.#breakOff();
      throw error;
    });
    return this.#recording;
  }

  #settleOne(
    no: number,
    edit: PlannedEdit,
    answer: DirectoryWritten,
  ): NonNullable<DirectoryCommit['journalSettled']>[number] {
    switch (answer.kind) {
      case 'done':
        this.#writes++;
        this.#end(edit.no, 'done');
        if (edit.makes !== null) this.#made.set(edit.makes, answer.guid);
        return { no, outcome: 'done', guid: answer.guid };
      case 'handed-over':
        this.#end(edit.no, 'handed-over');
        this.#handedOver.push({ side: edit.side, script: answer.script, why: answer.why });
        return { no, outcome: 'handed-over', detail: answer.why };
      case 'refused':
        this.#end(edit.no, 'failed');
        this.#refused.push({ edit, reason: answer.reason, detail: answer.detail });
        return { no, outcome: 'refused', detail: `${answer.reason}: ${answer.detail}` };
    }
  }

  /** Those of the links that are complete by now are read back and recorded together with what became of the edits. */
  async #record(
    settled: NonNullable<DirectoryCommit['journalSettled']>,
    links: readonly PlannedLink[],
    removed = 0,
  ): Promise<void> {
    const isEnded = (no: number) => this.#states.has(no);
    const ended = links.filter((link) => this.#pendingLinks.has(link) && link.edits.every(isEnded));
    for (const link of ended) this.#pendingLinks.delete(link);
    // After a refusal what was shown before stays recorded, so that the next plan tries again.
    const due = ended.filter(({ edits }) =>
      edits.every((no) => this.#states.get(no) !== 'failed' && !this.#incomplete.has(no)),
    );
    const forgets = [...this.#pendingForgets].filter(({ edits }) => edits.every(isEnded));
    for (const forget of forgets) this.#pendingForgets.delete(forget);
    const rows = await this.#readBack(due);
    const commit: DirectoryCommit = {
      ...(settled.length > 0 && { journalSettled: settled }),
      ...(rows.length > 0 && { links: rows }),
      ...(forgets.length > 0 && {
        linksForgotten: forgets.filter(({ edits }) => edits.every((no) => this.#states.get(no) === 'done')),
      }),
      ...(removed > 0 && { removals: { atMs: this.#context.clock.nowMs(), count: removed } }),
    };
    if (Object.keys(commit).length > 0) await this.#context.commit(commit);
  }

  async #readBack(due: readonly PlannedLink[]): Promise<readonly DirectoryLink[]> {
    const named = due.flatMap((link) => {
      const left = this.#guidOf(link.left);
      const right = this.#guidOf(link.right);
      return left === null || right === null ? [] : [{ link, left, right }];
    });
    if (named.length === 0) return [];
    const now = { left: new Map<ObjectGuid, DirectoryObject>(), right: new Map<ObjectGuid, DirectoryObject>() };
    const readSide = async (side: Side): Promise<void> => {
      const { directory } = this.#context.ends[side];
      const guids = named.map((each) => each[side]);
      for (const object of this.#unwritten(side, guids, due)) now[side].set(object.guid, object);
      const asked = guids.filter((guid) => !now[side].has(guid));
      for (let at = 0; at < asked.length; at += RESOLVE_BATCH) {
        const piece = asked.slice(at, at + RESOLVE_BATCH);
        for (const [guid, object] of await directory.read(piece, this.#context.wanted[side], this.#context.call()))
          now[side].set(guid, object);
      }
      for (const object of now[side].values()) this.#view[side].see(object, this.#view[side].scoped.has(object.guid));
    };
    await Promise.all(sides.map(readSide));
    const { store, sync } = this.#context;
    const lefts = named.map(({ left }) => left);
    const before = new Map((await store.directoryLinks(sync, 'left', lefts)).map((row) => [row.left, row.right]));
    const rows: DirectoryLink[] = [];
    for (const { link, left, right } of named) {
      const ends = { left: now.left.get(left), right: now.right.get(right) };
      // Somebody removed one of them meanwhile: the feed tells the next pass.
      if (!ends.left || !ends.right) continue;
      const written = { left: this.#writtenEnd(link, 'left'), right: this.#writtenEnd(link, 'right') };
      rows.push(linkAfter(link, this.#context.policy, { left: ends.left, right: ends.right }, this.#view, written));
      if (before.get(left) !== right) this.#linked.push({ left, right });
    }
    return rows;
  }

  #writtenEnd(link: PlannedLink, side: Side): WrittenEnd | null {
    const end = must(this.#ends.get(link), 'the ends of a link of this plan')[side];
    if (end === null) return null;
    const done = link.edits.flatMap((no) => (this.#states.get(no) === 'done' ? (this.#plan.edits[no] ?? []) : []));
    return { ...end, written: done.filter((edit) => edit.side === side).map(({ change }) => change) };
  }

  /** Objects that no edit of these links has touched are as the view has them. */
  #unwritten(side: Side, guids: readonly ObjectGuid[], due: readonly PlannedLink[]): readonly DirectoryObject[] {
    const written = new Set<ObjectGuid>();
    for (const { edits } of due)
      for (const no of edits) {
        const edit = this.#plan.edits[no];
        if (edit?.side !== side) continue;
        const guid = edit.change.kind === 'add' ? this.#guidOf(edit.makes) : this.#guidOf(edit.change.guid);
        if (guid !== null) written.add(guid);
      }
    return guids.flatMap((guid) => (written.has(guid) ? [] : (this.#view[side].objects.get(guid) ?? [])));
  }

  /** @returns null: the object was not made. */
  #guidOf(guid: ObjectGuid | null): ObjectGuid | null {
    return guid !== null && this.#placeholders.has(guid) ? (this.#made.get(guid) ?? null) : guid;
  }
}
