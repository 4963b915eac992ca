import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { DedupeFinding } from '#jobs/dedupe.ts';
import { readUndo, type UndoEntry, type UndoFileContent, type UndoLine } from '#jobs/dedupe-undo.ts';
import { FaultError } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import { type TypedKind, typedKinds } from '#model/typed-item.ts';
import { type Project, type ProjectPair, tracksOf } from '#project/project.ts';
import { type ContentKind, trackId } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, formatCount, formatInstant, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface DedupeCommandOptions {
  readonly content?: ContentKind;
  readonly apply?: true;
  readonly undo?: string;
}

export function dedupeCommand(session: Session): Command {
  return command('dedupe', 'find what mailboxes hold twice, and make one of it', [
    ['causeway dedupe ana@old.example', 'only says what it would keep, and why'],
    ['causeway dedupe staff --apply', 'every pair of a collection; writes an undo file'],
    ['causeway dedupe staff --content mail', 'only one kind of content'],
    ['causeway dedupe --undo FILE', 'puts everything back that is in the file'],
  ])
    .argument('[names...]', 'only these collections, and the pairs with these addresses')
    .addOption(new Option('--content <kind>', 'only this kind of content').choices(['mail', ...typedKinds]))
    .option('--apply', 'merge and remove; without it nothing is written')
    .option('--undo <file>', 'put back what an earlier call removed')
    .action(session.action<DedupeCommandOptions>(dedupe));
}

async function dedupe(run: Run, options: DedupeCommandOptions, names: readonly string[]): Promise<ExitCode> {
  if (options.undo !== undefined) {
    if (options.apply || names.length > 0)
      throw new CliError('--undo takes its pairs from the file: give nothing else');
    return undo(run, options.undo);
  }
  const services = run.services();
  const { project } = services;
  const tracks = tracksOf(project, pickNamed(project, names)).filter(
    ({ kind }) => options.content === undefined || kind === options.content,
  );
  if (tracks.length === 0)
    throw new CliError(
      `the project file keeps no ${options.content ?? 'content'} of these pairs in step: add the block to the collection`,
    );
  const file = options.apply ? await UndoFile.create(run) : null;
  const sum = { duplicates: 0, removed: 0, left: 0 };
  const codes: ExitCode[] = [];
  try {
    if (file !== null) await putProjectPairs(project, await services.store('own'));
    for (const { pair, kind } of tracks) {
      try {
        const store = file === null ? await services.storeFor({ pair, kind }) : await services.store('own');
        const around = { ...run.around, seen: progressOf(run, pair) };
        const found = run.jobs.dedupePair(await services.jobPair(pair), kind, store, file, around);
        for await (const finding of found) {
          sum.duplicates++;
          if (finding.outcome === 'left') sum.left++;
          else sum.removed += finding.remove.length;
          show(run, finding);
        }
      } catch (error) {
        // One pair that cannot be worked on does not keep the others from it.
        if (!(error instanceof FaultError) || run.signal.aborted) throw error;
        codes.push(exitCodes.stopped);
        run.output.say(
          { pair: pair.id, content: kind, error: error.message },
          `${plain(trackId(pair.id, kind))}: ${plain(error.message)}`,
        );
      }
    }
  } finally {
    await file?.close();
  }
  if (sum.left > 0) codes.push(exitCodes.partial);
  const undoFile = file !== null && file.groups > 0 ? file.path : null;
  run.output.say(
    { ...sum, applied: file !== null, undoFile },
    sum.duplicates === 0
      ? 'nothing is there twice'
      : `${countOf(sum.duplicates, 'thing')} more than once: ${countOf(sum.removed, 'item')} ${file === null ? 'to remove' : 'removed'}, ${formatCount(sum.left)} left as they are`,
  );
  if (file === null && sum.removed > 0) run.output.text('nothing was written; do it with --apply');
  if (undoFile !== null) run.output.text(`to put everything back: causeway dedupe --undo ${undoFile}`);
  return worstOf(codes);
}

/** Pairs by the name of a collection or an address. */
function pickNamed(project: Project, names: readonly string[]): readonly ProjectPair[] {
  if (names.length === 0) return pickPairs(project, [], undefined);
  return [
    ...new Set(
      names.flatMap((name) =>
        project.collections.has(name) ? pickPairs(project, [], name) : pickPairs(project, [name], undefined),
      ),
    ),
  ];
}

function show({ output }: Run, finding: DedupeFinding): void {
  output.line({ event: 'duplicate', ...finding });
  const where = `${plain(finding.pair)}, ${finding.side === 'left' ? 'source' : 'target'}, ${plain(finding.folder)}`;
  const what = finding.startsAt === null ? finding.content : formatInstant(finding.startsAt);
  const many = finding.remove.length + (finding.keep === null ? 0 : 1);
  output.text(`${where}: ${what}, ${many} times (${finding.because})`);
  if (finding.keep !== null) output.text(`  keep   ${plain(finding.keep)}: ${finding.why}`);
  if (finding.takesOver.length > 0) output.text(`         takes over ${finding.takesOver.join(', ')}`);
  for (const id of finding.remove)
    output.text(`  ${finding.outcome === 'left' ? 'leave' : 'remove'.padEnd(6)} ${plain(id)}`);
  if (finding.detail !== null) output.text(`  → ${plain(finding.detail)}`);
}

/** A line every few seconds: a mailbox of many thousand items takes its time. */
function progressOf({ output, terminal }: Run, { id }: ProjectPair): (items: number) => void {
  let saidMs = terminal.clock.monotonicMs();
  return (items) => {
    if (terminal.clock.monotonicMs() - saidMs < 5_000) return;
    saidMs = terminal.clock.monotonicMs();
    output.note(`${plain(id)}: ${countOf(items, 'item')} looked at …`);
  };
}

/** JSON, an object a line, each on the disk before what it tells of is done. Holds complete items: only its owner may read it. */
class UndoFile {
  readonly path: string;
  groups = 0;
  readonly #handle: FileHandle;
  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async create(run: Run): Promise<UndoFile> {
    const nowMs = run.terminal.clock.nowMs();
    const time = new Date(nowMs).toISOString().replace(/\D/g, '').slice(0, 17);
    const path = resolve(run.terminal.cwd, `causeway-dedupe-${time}.undo.json`);
    const file = new UndoFile(path, await open(path, 'wx', 0o600));
    await file.#write({ causewayUndo: 1, madeAtMs: nowMs });
    return file;
  }

  readonly write = async (line: UndoLine): Promise<void> => {
    if ('group' in line) this.groups++;
    await this.#write(line);
  };

  async #write(line: UndoLine): Promise<void> {
    await this.#handle.write(`${JSON.stringify(line)}\n`);
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function undo(run: Run, path: string): Promise<ExitCode> {
  const { typed: entries, mail } = entriesOf(resolve(run.terminal.cwd, path), path);
  const services = run.services();
  const store = await services.store('own');
  await putProjectPairs(services.project, store);
  const byTrack = new Map<string, { readonly kind: TypedKind; readonly entries: UndoEntry[] }>();
  for (const entry of entries) {
    const { pair, kind } = entry.group;
    const key = trackId(pair, kind);
    const known = byTrack.get(key) ?? { kind, entries: [] };
    known.entries.push(entry);
    byTrack.set(key, known);
  }
  const sum = { groups: entries.length + mail.length, created: 0, restored: 0 };
  const reasons: Record<string, number> = {};
  for (const { kind, entries: own } of byTrack.values()) {
    const id = own[0]?.group.pair;
    const pair = services.project.pairs.find((candidate) => candidate.id === id);
    if (pair === undefined) throw new CliError(`${plain(String(id))} is not in the project file any more`);
    const { around } = run;
    const newIds = new Map<ItemId, ItemId>();
    for await (const back of run.jobs.undoDedupe(await services.jobPair(pair), kind, own, newIds, store, around)) {
      run.output.line({ event: 'put-back', pair: pair.id, content: kind, ...back });
      sum.created += back.created;
      if (back.restored) sum.restored++;
      for (const [why, count] of Object.entries(back.not)) reasons[why] = (reasons[why] ?? 0) + count;
    }
  }
  for (const id of new Set(mail.map(({ group }) => group.pair))) {
    const pair = services.project.pairs.find((candidate) => candidate.id === id);
    if (pair === undefined) throw new CliError(`${plain(String(id))} is not in the project file any more`);
    const own = mail.filter(({ group }) => group.pair === id);
    const { around } = run;
    for await (const back of run.jobs.undoDedupeMail(await services.jobPair(pair), own, store, around)) {
      run.output.line({ event: 'put-back', pair: pair.id, content: 'mail', ...back });
      sum.created += back.created;
      for (const [why, count] of Object.entries(back.not)) reasons[why] = (reasons[why] ?? 0) + count;
    }
  }
  run.output.say(
    { ...sum, not: reasons },
    `${countOf(sum.created, 'item')} put back, ${formatCount(sum.restored)} as before that had taken something over`,
  );
  for (const [why, count] of Object.entries(reasons)) run.output.text(`${formatCount(count)} not: ${plain(why)}`);
  if (entries.some(({ group }) => group.kind === 'calendar'))
    run.output.text('two events of one identity in one calendar are merged again by the next pass of an agent');
  const failed = Object.keys(reasons).some((why) => why !== 'it was put back before');
  return failed ? exitCodes.partial : exitCodes.ok;
}

function entriesOf(file: string, named: string): UndoFileContent {
  try {
    return readUndo(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CliError(`${named}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
