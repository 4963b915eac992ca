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

/** Edits of a side that are on their way together: their entries are recorded in one transaction, before and after. */
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
 * whose needs were refused are left out. A crash leaves at most a batch of open entries a side (`settle-open.ts`).
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

class Run {
  readonly #context: DirectoryContext;
  readonly #plan: DirectoryPlan;
  readonly #view: BySide<DirectorySight>;
  readonly #states = new Map<number, State>();
  readonly #placeholders: ReadonlySet<ObjectGuid>;
  readonly #made = new Map<ObjectGuid, ObjectGuid>();
  readonly #pendingLinks: Set<PlannedLink>;
  /** Of every link, before anything was written. */
  readonly #ends: ReadonlyMap<PlannedLink, BySide<PlannedEnd | null>>;
  readonly #pendingForgets: Set<DirectoryPlan['forget'][number]>;
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
    await this.#record([], new Set());
    let rest = [...this.#plan.edits];
    while (rest.length > 0) {
      this.#context.checkpoint();
      const batch = { left: [] as PlannedEdit[], right: [] as PlannedEdit[] };
      const later: PlannedEdit[] = [];
      for (const [at, edit] of rest.entries()) {
        if (batch.left.length >= BATCH && batch.right.length >= BATCH) {
          later.push(...rest.slice(at));
          break;
        }
        const needs = edit.needs.map((no) => this.#states.get(no));
        if (needs.some((state) => state === 'failed' || state === 'handed-over')) {
          const reduced = this.#withoutFailed(edit);
          if (reduced !== null) later.push(reduced);
          // Its own object is not there until a script has made it: then the next plan asks for this again.
          else if (!needs.includes('failed')) this.#states.set(edit.no, 'handed-over');
          else this.#leave(edit);
        } else if (this.#isAsked(edit)) this.#states.set(edit.no, 'handed-over');
        else if (needs.includes(undefined) || batch[edit.side].length >= BATCH) later.push(edit);
        else batch[edit.side].push(edit);
      }
      rest = later;
      if (batch.left.length + batch.right.length > 0) await this.#writeBoth(batch);
      this.#context.progress?.(this.#plan.edits.length - rest.length, this.#plan.edits.length);
    }
  }

  async #lookAtHandedOver(): Promise<void> {
    const rows = await openHandedOver(this.#context.store, this.#context.sync);
    const unwanted = noLongerWanted(rows, this.#plan);
    if (unwanted.length > 0) await this.#context.commit({ journalSettled: withdrawn(unwanted) });
    for (const row of rows) if (!unwanted.includes(row)) this.#asked.set(subjectOf(row), row);
  }

  #isAsked(edit: PlannedEdit): boolean {
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

  #leave(edit: PlannedEdit): void {
    this.#states.set(edit.no, 'failed');
    this.#leftOut.push(edit);
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

  /** The sides know nothing of each other within a batch, so both are written at the same time. */
  async #writeBoth(batch: BySide<readonly PlannedEdit[]>): Promise<void> {
    const { sync, pass, store, claim, clock } = this.#context;
    const edits = [...batch.left, ...batch.right].map((edit) => ({
      edit,
      change: withGuids(edit.change, this.#made) as DirectoryEdit,
    }));
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
    const write = async (side: Side): Promise<void> => {
      const own = edits.filter(({ edit }) => edit.side === side);
      if (own.length === 0) return;
      const answers = await this.#context.ends[side].directory.write(
        own.map(({ change }) => change),
        this.#context.call(),
      );
      for (const [at, { edit }] of own.entries()) written.set(edit.no, must(answers[at], 'an answer for each edit'));
    };
    const written = new Map<number, DirectoryWritten>();
    const ends = await Promise.allSettled(sides.map(write));
    const settled: NonNullable<DirectoryCommit['journalSettled']>[number][] = [];
    const touched = new Set<number>();
    for (const [at, { edit }] of edits.entries()) {
      const answer = written.get(edit.no);
      // The request as a whole failed: what became of it is found out by the next pass.
      if (!answer) continue;
      touched.add(edit.no);
      settled.push(this.#settle(must(numbers[at], 'a number for each entry'), edit, answer));
    }
    // What one side has done is recorded even if the other one broke off.
    await this.#record(settled, touched);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  #settle(
    no: number,
    edit: PlannedEdit,
    answer: DirectoryWritten,
  ): NonNullable<DirectoryCommit['journalSettled']>[number] {
    switch (answer.kind) {
      case 'done':
        this.#writes++;
        this.#states.set(edit.no, 'done');
        if (edit.makes !== null) this.#made.set(edit.makes, answer.guid);
        return { no, outcome: 'done', guid: answer.guid };
      case 'handed-over':
        this.#states.set(edit.no, 'handed-over');
        this.#handedOver.push({ side: edit.side, script: answer.script, why: answer.why });
        return { no, outcome: 'handed-over', detail: answer.why };
      case 'refused':
        this.#states.set(edit.no, 'failed');
        this.#refused.push({ edit, reason: answer.reason, detail: answer.detail });
        return { no, outcome: 'refused', detail: `${answer.reason}: ${answer.detail}` };
    }
  }

  /** Links that are complete by now are read back and recorded together with what became of the edits. */
  async #record(settled: NonNullable<DirectoryCommit['journalSettled']>, touched: ReadonlySet<number>): Promise<void> {
    const isEnded = (no: number) => this.#states.has(no);
    const ended = [...this.#pendingLinks].filter(({ edits }) => edits.every(isEnded));
    for (const link of ended) this.#pendingLinks.delete(link);
    // After a refusal what was shown before stays recorded, so that the next plan tries again.
    const due = ended.filter(({ edits }) =>
      edits.every((no) => this.#states.get(no) !== 'failed' && !this.#incomplete.has(no)),
    );
    const forgets = [...this.#pendingForgets].filter(({ edits }) => edits.every(isEnded));
    for (const forget of forgets) this.#pendingForgets.delete(forget);
    const removed = [...touched].filter((no) => {
      const edit = this.#plan.edits[no];
      return edit?.change.kind === 'remove' && this.#states.get(no) === 'done';
    }).length;
    const links = await this.#readBack(due);
    const commit: DirectoryCommit = {
      ...(settled.length > 0 && { journalSettled: settled }),
      ...(links.length > 0 && { links }),
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
    for (const side of sides) {
      const { directory } = this.#context.ends[side];
      for (const object of this.#unwritten(
        side,
        named.map((each) => each[side]),
        due,
      ))
        now[side].set(object.guid, object);
      const asked = named.map((each) => each[side]).filter((guid) => !now[side].has(guid));
      for (let at = 0; at < asked.length; at += RESOLVE_BATCH) {
        const piece = asked.slice(at, at + RESOLVE_BATCH);
        for (const [guid, object] of await directory.read(piece, this.#context.wanted[side], this.#context.call()))
          now[side].set(guid, object);
      }
      for (const object of now[side].values()) this.#view[side].see(object, this.#view[side].scoped.has(object.guid));
    }
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
