import type { Controller } from '../world/directory/controller.ts';
import { guidBytes } from '../world/directory/dn.ts';
import type { Entry } from '../world/directory/entry.ts';
import { sidText } from '../world/directory/filter.ts';
import { type AttributeRow, attributeRow, isBackLink, type Value } from '../world/directory/schema.ts';
import type { Controls } from './controls.ts';
import type { AttributeValues } from './message.ts';

/** Values of one attribute in one answer; what is more is read by ranges. [MS-ADTS] 3.1.1.3.1.3.3, MaxValRange */
const valuesPerRead = 1500;

/** A security descriptor that says nothing. [MS-DTYP] 2.4.6 */
const emptyDescriptor = Buffer.from([1, 0, 4, 0x80, ...new Array<number>(16).fill(0)]);

const onlyWhenNamed: ReadonlySet<string> = new Set(['ntsecuritydescriptor', 'parentguid']);

export type NameForm = Controls['extendedNames'];

/** What an object is called, with its GUID and SID before it when that was asked for; null: it is not there, or was deleted. */
export function shownName(at: Controller, guid: string, form: NameForm): string | null {
  const name = at.nameOf(guid);
  if (name === null || form === null) return name;
  const sid = at.sidOf(guid);
  const hex = form === 'hex';
  const ids = [
    `<GUID=${hex ? guidBytes(guid).toString('hex') : guid}>`,
    ...(sid === null ? [] : [`<SID=${hex ? sid.toString('hex') : sidText(sid)}>`]),
  ];
  return `${ids.join(';')};${name}`;
}

/** Values as they go over the wire. Names of what is not there, or was deleted, are left out. */
function wireValues(at: Controller, row: AttributeRow, values: readonly Value[], form: NameForm): readonly Buffer[] {
  if (row.syntax === 'dn-binary')
    return values.map((value) => {
      // Who names an object by it knows it without its being there: by the name that it made of the GUID.
      const guid = String(value);
      const id = form === null ? '' : `<GUID=${form === 'hex' ? guidBytes(guid).toString('hex') : guid}>;`;
      return Buffer.from(`B:16:0000000000000000:${shownName(at, guid, form) ?? `${id}CN=${guid}`}`);
    });
  if (row.syntax !== 'dn') return values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));
  return values.flatMap((value) => {
    const name = shownName(at, String(value), form);
    return name === null ? [] : [Buffer.from(name)];
  });
}

/**
 * Attributes of an object for a search that asked for some. Empty list or `*`: all that are stored, back links too.
 *
 * @param isKnown those that there are where it was found.
 */
export function shownAttributes(
  at: Controller,
  entry: Entry,
  wanted: readonly string[],
  typesOnly: boolean,
  form: NameForm,
  isKnown: (row: AttributeRow) => boolean = () => true,
): readonly AttributeValues[] {
  const shown = new Map<string, AttributeValues>();
  const show = (name: string, range: { readonly from: number; readonly to: number | null } | null): void => {
    const row = attributeRow(name);
    if (row === null || !isKnown(row)) return;
    const lower = name.toLowerCase();
    const values =
      lower === 'ntsecuritydescriptor' && at.read(entry, lower).length === 0
        ? [emptyDescriptor]
        : at.read(entry, lower);
    if (values.length === 0) return;
    if (range === null && values.length <= valuesPerRead) {
      const wire = wireValues(at, row, values, form);
      if (wire.length > 0) shown.set(lower, { name: row.name, values: typesOnly ? [] : wire });
      return;
    }
    // Who did not ask for a range is shown that there is more by an attribute without values beside it.
    if (range === null) shown.set(lower, { name: row.name, values: [] });
    const { from, to } = range ?? { from: 0, to: null };
    if (from >= values.length) return;
    const end = Math.min(values.length, from + valuesPerRead, to === null ? Number.POSITIVE_INFINITY : to + 1);
    shown.set(`${lower};range`, {
      name: `${row.name};range=${from}-${end >= values.length ? '*' : end - 1}`,
      values: typesOnly ? [] : wireValues(at, row, values.slice(from, end), form),
    });
  };
  const all = wanted.length === 0 || wanted.includes('*');
  if (all) for (const name of at.attributesOf(entry)) if (!onlyWhenNamed.has(name)) show(name, null);
  for (const one of wanted) {
    if (one === '*' || one === '1.1' || one === '+') continue;
    const [name = '', ...options] = one.split(';');
    const range = options
      .map((option) => /^range=(\d{1,9})-(\d{1,9}|\*)$/i.exec(option))
      .find((found) => found !== null);
    show(
      name,
      range === undefined || range === null
        ? null
        : { from: Number(range[1]), to: range[2] === '*' ? null : Number(range[2]) },
    );
  }
  return [...shown.values()];
}

/** Attributes that were written since a count, for DirSync: also those without values any more. */
export function changedAttributes(
  at: Controller,
  entry: Entry,
  sinceUsn: number,
  wanted: readonly string[],
): readonly AttributeValues[] {
  const isNew = entry.usnCreated > sinceUsn;
  const names = new Set<string>(['objectguid', 'instancetype']);
  const placed = isNew || (entry.stamps.get('name')?.usn ?? 0) > sinceUsn;
  if (placed) for (const name of ['name', 'parentguid', entry.rdn.attribute.toLowerCase()]) names.add(name);
  if (entry.isDeleted && placed) names.add('isdeleted');
  const stored = isNew ? at.attributesOf(entry) : [];
  for (const name of stored) {
    const row = attributeRow(name);
    // What the controller works out was never written.
    if (row !== null && !isBackLink(row) && !workedOut.has(name)) names.add(name);
  }
  for (const [name, { usn }] of entry.stamps) if (usn > sinceUsn && name !== 'unicodepwd') names.add(name);
  const asked = new Set(wanted.map((one) => one.split(';')[0]?.toLowerCase() ?? ''));
  const always = new Set(['objectguid', 'instancetype', 'isdeleted', 'parentguid', 'name']);
  const isAsked = (name: string): boolean => asked.size === 0 || asked.has('*') || asked.has(name) || always.has(name);
  return [...names].filter(isAsked).flatMap((name) => {
    const row = attributeRow(name);
    return row === null ? [] : [{ name: row.name, values: wireValues(at, row, at.read(entry, name), null) }];
  });
}
const workedOut: ReadonlySet<string> = new Set([
  'whencreated',
  'whenchanged',
  'usncreated',
  'usnchanged',
  'distinguishedname',
]);
