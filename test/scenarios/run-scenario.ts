import { assert, must } from '#kit/assert.ts';
import type { EventFields, EventIdentity, ModifiedOccurrence } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import { defaultTypedPolicy, type TypedPolicy } from '#model/policy.ts';
import type { TypedEdit, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import {
  expected,
  fieldsAfter,
  hasOccurrence,
  newEvent,
  occurrenceFields,
  readPattern,
  settingsOf,
  spoken,
  unquoted,
  wordsOf,
} from './scenario-language.ts';
import type { ScenarioBackend, ScenarioWorld } from './scenario-world.ts';

export interface Scenario {
  readonly title: string;
  readonly file: string;
  readonly lines: readonly { readonly no: number; readonly text: string }[];
}

/** A file holds several scenarios, each below a line that begins with `# `. */
export function readScenarios(file: string, text: string): readonly Scenario[] {
  const scenarios: { title: string; file: string; lines: { no: number; text: string }[] }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('# ')) scenarios.push({ title: line.slice(2).trim(), file, lines: [] });
    else if (line.trim() !== '' && !line.startsWith('##'))
      scenarios.at(-1)?.lines.push({ no: index + 1, text: line.trim() });
  }
  return scenarios;
}

const passesUntilQuiet = 6;
const sides = ['left', 'right'] as const;
type Event = TypedItem<'calendar'>;
interface Placed {
  readonly folder: string;
  readonly item: Event;
}

/** Why a backend cannot play a scenario; null: it can. */
function unplayable({ lines }: Scenario, { cannot }: ScenarioBackend): string | null {
  const step = lines
    .map(({ text }) => /^(?:sync (unrecorded|halfway)|(lose) records)/.exec(text))
    .find((m) => m !== null);
  const name = step && (step[1] ?? 'loseRecords');
  return name && cannot.includes(name) ? name : null;
}

/**
 * Plays a scenario. Throws at the first line that does not hold, with its number. At the end the sides are synced until nothing is
 * written any more, which has to happen soon, and what the last lines expect has to be true still.
 */
export async function runScenario(scenario: Scenario, backend: ScenarioBackend): Promise<void> {
  const missing = unplayable(scenario, backend);
  if (missing !== null) throw new Error(`${scenario.file}: ${backend.name} cannot play ${missing}`);
  const policyLine = scenario.lines.find(({ text }) => text.startsWith('policy '));
  const player = new Player(await backend.open(policyOf(defaultTypedPolicy, policyLine?.text ?? '')));
  const at = async (no: number, text: string, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      throw new Error(`${scenario.file}:${no}: ${text}\n  ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  };
  try {
    for (const { no, text } of scenario.lines) await at(no, text, () => player.play(text));
    const last = scenario.lines.at(-1);
    const isExpectation = (text: string) => text.startsWith('expect ');
    const tail = scenario.lines.slice(scenario.lines.findLastIndex(({ text }) => !isExpectation(text)) + 1);
    await at(last?.no ?? 0, 'at the end', () => player.untilQuiet());
    for (const { no, text } of tail) await at(no, `${text} (after further passes)`, () => player.play(text));
  } finally {
    await player.close();
  }
}

function policyOf(before: TypedPolicy, text: string): TypedPolicy {
  const { values, flags } = settingsOf(wordsOf(text).slice(1));
  const active = values.get('works-on') ?? before.active;
  const conflict = values.get('conflict') ?? before.conflict;
  return {
    ...before,
    active: active as TypedPolicy['active'],
    conflict: conflict as TypedPolicy['conflict'],
    direction: flags.includes('one-way') ? 'one-way' : before.direction,
  };
}

class Player {
  private readonly world: ScenarioWorld;
  private policy: TypedPolicy | null = null;
  private readonly identities = new Map<string, EventIdentity>();
  private writesOfLastSync = 0;

  constructor(world: ScenarioWorld) {
    this.world = world;
  }

  async play(text: string): Promise<void> {
    const [verb = '', ...words] = wordsOf(text);
    switch (verb) {
      case 'policy':
        return this.setPolicy(text);
      case 'given':
        return this.given(words);
      case 'left':
      case 'right':
        return this.act(verb, words);
      case 'both':
        for (const side of sides) await this.act(side, words);
        return;
      case 'sync':
        return this.sync(words);
      case 'lose':
        return this.world.loseRecords();
      case 'expect':
        return this.expect(words);
      default:
        throw new Error(`no such line: ${verb}`);
    }
  }

  async close(): Promise<void> {
    await this.world.close();
  }

  private async setPolicy(text: string): Promise<void> {
    this.policy = policyOf(this.policy ?? defaultTypedPolicy, text);
    await this.world.setPolicy(this.policy);
  }

  private async sync([how]: readonly string[]): Promise<void> {
    if (how === 'twice') {
      await this.world.sync(null);
      this.writesOfLastSync = await this.world.sync(null);
      return;
    }
    assert(how === undefined || how === 'unrecorded' || how === 'halfway', `no such sync: ${how}`);
    this.writesOfLastSync = await this.world.sync(how ?? null);
  }

  async untilQuiet(): Promise<void> {
    for (let pass = 0; pass < passesUntilQuiet; pass++)
      if ((await this.world.sync(null)) === 0) return this.quietTwice();
    throw new Error(`still writing after ${passesUntilQuiet} passes`);
  }

  private async quietTwice(): Promise<void> {
    const writes = await this.world.sync(null);
    if (writes > 0) throw new Error(`a pass after a quiet pass made ${writes} writes`);
  }

  // What people and servers do.

  private identityOf(subject: string): EventIdentity {
    const known = this.identities.get(subject);
    if (known) return known;
    const no = this.identities.size.toString(16).padStart(8, '0').toUpperCase();
    const identity = this.occurrenceOf(subject) ?? (`040000008200E00074C5B7101A82E00800000000${no}` as EventIdentity);
    this.identities.set(subject, identity);
    return identity;
  }

  /** `Series@2024-03-12`: its occurrence of that day, which is there by itself. */
  private occurrenceOf(name: string): EventIdentity | null {
    const [, series, year, ...rest] = /^(.+)@(\d{4})-(\d\d)-(\d\d)$/.exec(name) ?? [];
    if (series === undefined) return null;
    const hex = (digits: string | undefined, length: number) =>
      Number(digits).toString(16).toUpperCase().padStart(length, '0');
    const whole = this.identityOf(series);
    return `${whole.slice(0, 32)}${hex(year, 4)}${rest.map((part) => hex(part, 2)).join('')}${whole.slice(40)}` as EventIdentity;
  }

  private async given(words: readonly string[]): Promise<void> {
    const at = words.indexOf('on');
    const where = at < 0 ? 'both' : words[at + 1];
    const rest = at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
    for (const side of sides) if (where === 'both' || where === side) await this.act(side, ['new', ...rest]);
  }

  private async act(side: Side, [verb = '', ...words]: readonly string[]): Promise<void> {
    switch (verb) {
      case 'new':
        return this.make(side, words);
      case 'series':
      case 'event':
        return this.change(side, words);
      case 'occurrence':
        return this.changeOccurrence(side, words);
      case 'pattern':
        return this.changePattern(side, words);
      case 'delete':
        return this.remove(side, words);
      case 'move':
        return this.world.move(side, (await this.one(side, words)).item.head.id, words[2] ?? '');
      case 'touch':
        return this.world.touch(side, (await this.one(side, words)).item.head.id);
      case 'recreate':
        return this.recreate(side, words);
      case 'copy':
        return this.copyBeside(side, words);
      default:
        throw new Error(`nobody can do that: ${verb}`);
    }
  }

  private async make(side: Side, [kind = '', name = '', ...words]: readonly string[]): Promise<void> {
    const subject = unquoted(name);
    const { values } = settingsOf(words);
    const folder = values.get('in') ?? 'Calendar';
    const identity = this.identityOf(values.get('as') ?? subject);
    const rest = words.filter((w) => !w.startsWith('in=') && !w.startsWith('as='));
    await this.world.create(side, folder, { identity, fields: newEvent(kind, subject, rest) });
  }

  private async all(side: Side, name: string): Promise<readonly Placed[]> {
    const identity = must(this.identities.get(unquoted(name)), `nobody made ${name}`);
    return (await this.world.items(side)).filter(({ item }) => item.head.identity === identity);
  }

  private async one(side: Side, [name = '']: readonly string[]): Promise<Placed> {
    const found = await this.all(side, name);
    assert(found.length === 1, `${found.length} of ${name} on the ${side}`);
    return must(found[0], 'one of one');
  }

  private async edit(side: Side, item: Event, edit: Omit<TypedEdit<'calendar'>, 'attachments'>): Promise<void> {
    await this.world.edit(side, item.head.id, { ...edit, attachments: new Map() });
  }

  private async change(side: Side, words: readonly string[]): Promise<void> {
    const { item } = await this.one(side, words);
    await this.edit(side, item, { set: fieldsAfter(item.fields, settingsOf(words.slice(1)), null), occurrences: [] });
  }

  private async changePattern(side: Side, words: readonly string[]): Promise<void> {
    const { item } = await this.one(side, words);
    const before = must(item.fields.recurrence, 'it is no series');
    const pattern = words.slice(1);
    if (pattern[0] === 'none') return this.edit(side, item, { set: { recurrence: null }, occurrences: [] });
    const { recurrence, rest } = readPattern(pattern, before.range.startDay);
    assert(rest.length === 0, `what does this mean: ${rest.join(' ')}`);
    await this.edit(side, item, { set: { recurrence }, occurrences: [] });
  }

  private async changeOccurrence(side: Side, [place = '', ...words]: readonly string[]): Promise<void> {
    const [name, day] = placeOf(place);
    const { item } = await this.one(side, [name]);
    const before = overridesOf(item, day);
    const now = occurrenceFields(item.fields, before, day);
    const settings = settingsOf(words);
    const undone = settings.flags.includes('as-series');
    const set = undone ? {} : fieldsAfter(now, settings, day);
    const overrides = undone ? {} : { ...before, ...set };
    await this.edit(side, item, { set: {}, occurrences: [{ day, do: 'modify', overrides }] });
  }

  private async remove(side: Side, [place = '']: readonly string[]): Promise<void> {
    if (!place.includes('@')) return this.world.remove(side, (await this.one(side, [place])).item.head.id);
    const [name, day] = placeOf(place);
    const { item } = await this.one(side, [name]);
    await this.edit(side, item, { set: {}, occurrences: [{ day, do: 'delete' }] });
  }

  /** As phones do: the item is deleted and made again, under its identity or, with `new-identity`, under another. */
  private async recreate(side: Side, [name = '', ...words]: readonly string[]): Promise<void> {
    const { folder, item } = await this.one(side, [name]);
    const settings = settingsOf(words.filter((w) => w !== 'new-identity'));
    await this.world.remove(side, item.head.id);
    if (words.includes('new-identity')) this.identities.delete(unquoted(name));
    const fields = { ...item.fields, ...fieldsAfter(item.fields, settings, null) };
    await this.world.create(side, folder, { identity: this.identityOf(unquoted(name)), fields });
  }

  /** A rival writer: a second item under the same identity, in the same folder. */
  private async copyBeside(side: Side, [name = '', ...words]: readonly string[]): Promise<void> {
    const found = await this.all(side, name);
    const { folder, item } = must(found[0], `no ${name} on the ${side}`);
    const fields = { ...item.fields, ...fieldsAfter(item.fields, settingsOf(words), null) };
    await this.world.create(side, folder, { identity: this.identityOf(unquoted(name)), fields });
  }

  // What is expected.

  private async expect([what = '', ...words]: readonly string[]): Promise<void> {
    if (what === 'journal') return this.expectJournal(words);
    if (what === 'mail')
      return equal('mails', `${await this.world.mails()}`, words[0] === 'none' ? '0' : (words[0] ?? ''));
    if (what === 'writes')
      return equal('writes of the last sync', `${this.writesOfLastSync}`, words[0] === 'none' ? '0' : (words[0] ?? ''));
    for (const side of sides) if (what === 'both' || what === side) await this.expectOn(side, words);
    assert(what === 'both' || what === 'left' || what === 'right', `nothing to expect of ${what}`);
  }

  private async expectOn(side: Side, [what = '', ...words]: readonly string[]): Promise<void> {
    switch (what) {
      case 'none':
        return equal(`${side}: number of ${words[0]}`, `${(await this.all(side, words[0] ?? '')).length}`, '0');
      case 'one':
        return equal(`${side}: number of ${words[0]}`, `${(await this.all(side, words[0] ?? '')).length}`, '1');
      case 'series':
      case 'event': {
        const { folder, item } = await this.one(side, words);
        assert(
          (item.fields.recurrence !== null) === (what === 'series'),
          `${side}: it is ${what === 'series' ? 'no' : 'a'} series`,
        );
        return this.expectFields(side, item.fields, words.slice(1), null, folder);
      }
      case 'occurrence': {
        const [name, day] = placeOf(words[0] ?? '');
        const { folder, item } = await this.one(side, [name]);
        const state = stateOf(item, day);
        if (words[1] === 'deleted' || words[1] === 'none')
          return equal(`${side}: occurrence`, state === 'there' ? state : 'none', 'none');
        equal(`${side}: occurrence`, state, 'there');
        return this.expectFields(
          side,
          occurrenceFields(item.fields, overridesOf(item, day), day),
          words.slice(1),
          day,
          folder,
        );
      }
      default:
        throw new Error(`nothing to expect of ${what}`);
    }
  }

  private expectFields(
    side: Side,
    fields: EventFields,
    words: readonly string[],
    day: Day | null,
    folder: string,
  ): void {
    const { values, flags } = settingsOf(words);
    assert(flags.length === 0, `what does this mean: ${flags.join(' ')}`);
    for (const [key, value] of values) {
      if (key === 'in') equal(`${side} folder`, folder, value);
      else equal(`${side} ${key}`, spoken(fields, key), expected(fields, key, value, day));
    }
  }

  private async expectJournal([first, ...more]: readonly string[]): Promise<void> {
    const entries = await this.world.journal();
    if (first === 'none') return equal('journal', entries.map((e) => `${e.outcome} ${e.field}`).join(', '), '');
    const { values } = settingsOf([first ?? '', ...more]);
    const matches = entries.filter((entry) =>
      [...values].every(([key, value]) => {
        if (key === 'lost') return JSON.stringify(entry[entry.winner === 'left' ? 'right' : 'left']).includes(value);
        return `${entry[key as 'outcome' | 'field' | 'day' | 'winner']}` === value;
      }),
    );
    const summary = entries.map((e) => `${e.outcome} field=${e.field} day=${e.day} winner=${e.winner}`).join('\n    ');
    assert(matches.length > 0, `not in the journal, which holds\n    ${summary}`);
  }
}

function placeOf(place: string): readonly [name: string, day: Day] {
  const at = place.lastIndexOf('@');
  assert(at > 0, `which day? ${place}`);
  return [place.slice(0, at), place.slice(at + 1) as Day];
}

const overridesOf = (item: Event, day: Day): ModifiedOccurrence['overrides'] =>
  item.occurrences.find((o) => o.day === day)?.overrides ?? {};

function stateOf(item: Event, day: Day): 'there' | 'deleted' | 'not in the pattern' {
  if (item.deletedDays.includes(day)) return 'deleted';
  return hasOccurrence(item.fields, day) ? 'there' : 'not in the pattern';
}

function equal(what: string, is: string, should: string): void {
  assert(is === should, `${what} is ${is || 'empty'}, expected ${should || 'empty'}`);
}
