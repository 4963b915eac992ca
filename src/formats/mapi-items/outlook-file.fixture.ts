import { Reader } from '@kenjiuno/msgreader/lib/Reader';
import { payloadOfBytes } from '#kit/payload.ts';
import type { MapiProperty, MapiType } from '#model/property-row.ts';
import { decodeText } from '../mapi/code-page.ts';
import { readFileTime } from '../mapi/file-time.ts';
import type { MapiAttachment, MapiMessage, MapiPropertyValue, MapiValue } from '../mapi/mapi-message.ts';

/** A message as Outlook saves it, [MS-OXMSG]: the storages of the compound file are read by somebody else, what is in them here. */
type Folder = ReturnType<Reader['rootFolder']>;

const types: ReadonlyMap<number, MapiType> = new Map([
  [0x0002, 'integer'],
  [0x0003, 'integer'],
  [0x0005, 'double'],
  [0x000b, 'boolean'],
  [0x0014, 'long'],
  [0x001e, 'string'],
  [0x001f, 'string'],
  [0x0040, 'time'],
  [0x0048, 'guid'],
  [0x0102, 'binary'],
  [0x101e, 'strings'],
  [0x101f, 'strings'],
]);

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
const stream = (folder: Folder, name: string): Buffer | null => {
  const bytes = folder.readFile(name);
  return bytes === null ? null : Buffer.from(bytes);
};

const known = ['00020328-0000-0000-c000-000000000046', '00020329-0000-0000-c000-000000000046'] as const;

/** Names of the properties from 0x8000 on, by place ([MS-OXMSG] 2.2.3). */
function namesOf(root: Folder): readonly ((type: MapiType) => MapiProperty)[] {
  const folder = root.subFolders().find(({ name }) => name === '__nameid_version1.0');
  if (folder === undefined) return [];
  const [guids, entries, texts] = ['00020102', '00030102', '00040102'].map(
    (tag) => stream(folder, `__substg1.0_${tag}`) ?? Buffer.alloc(0),
  ) as [Buffer, Buffer, Buffer];
  const guid = (index: number): string => {
    if (index < 3) return known[index - 1] ?? known[0];
    const at = guids.subarray((index - 3) * 16, (index - 2) * 16);
    const tail = at.subarray(8).toString('hex');
    const [a, b, c] = [at.readUInt32LE(0), at.readUInt16LE(4), at.readUInt16LE(6)];
    return `${hex(a, 8)}-${hex(b, 4)}-${hex(c, 4)}-${tail.slice(0, 4)}-${tail.slice(4)}`.toLowerCase();
  };
  return Array.from({ length: entries.length / 8 }, (_, n) => {
    const [id, kind] = [entries.readUInt32LE(8 * n), entries.readUInt16LE(8 * n + 4)];
    const set = guid(kind >> 1);
    if ((kind & 1) === 0) return (type: MapiType) => ({ set, lid: id, type });
    const length = texts.readUInt32LE(id);
    const name = texts.toString('utf16le', id + 4, id + 4 + length);
    return (type: MapiType) => ({ set, name, type });
  });
}

const untilZero = (text: string) => text.replace(/\0+$/, '');

function fixedValue(bytes: Buffer, type: MapiType): MapiValue | undefined {
  switch (type) {
    case 'integer':
      return bytes.readInt32LE();
    case 'boolean':
      return bytes.readUInt16LE() !== 0;
    case 'time':
      return readFileTime(bytes);
    case 'double':
      return bytes.readDoubleLE();
    case 'long':
      return bytes.readBigInt64LE();
    default:
      return undefined;
  }
}

function propertiesOf(
  folder: Folder,
  headBytes: number,
  names: ReturnType<typeof namesOf>,
  codePage: number,
): readonly MapiPropertyValue[] {
  const entries = stream(folder, '__properties_version1.0') ?? Buffer.alloc(headBytes);
  const text = (bytes: Buffer, wire: number) =>
    untilZero((wire & 0xfff) === 0x01f ? bytes.toString('utf16le') : decodeText(bytes, codePage));
  const found: MapiPropertyValue[] = [];
  for (let at = headBytes; at + 16 <= entries.length; at += 16) {
    const [wire, id] = [entries.readUInt16LE(at), entries.readUInt16LE(at + 2)];
    const type = types.get(wire);
    if (type === undefined) continue;
    const property = id < 0x8000 ? { tag: id, type } : names[id - 0x8000]?.(type);
    if (property === undefined) continue;
    const file = `__substg1.0_${hex(id, 4)}${hex(wire, 4)}`;
    const content = stream(folder, file);
    let value = fixedValue(entries.subarray(at + 8, at + 16), type);
    if (type === 'string' && content !== null) value = text(content, wire);
    if (type === 'binary' && content !== null) value = content;
    if (type === 'strings' && content !== null)
      value = Array.from({ length: content.length / 4 }, (_, n) =>
        text(stream(folder, `${file}-${hex(n, 8)}`) ?? Buffer.alloc(0), wire),
      );
    if (value !== undefined) found.push({ property, value });
  }
  return found;
}

const attachData = 0x3701;

function messageOf(
  folder: Folder,
  headBytes: number,
  names: ReturnType<typeof namesOf>,
  outerPage: number,
): MapiMessage {
  const page = propertiesOf(folder, headBytes, names, outerPage).find(
    ({ property }) => 'tag' in property && property.tag === 0x3ffd,
  )?.value;
  const codePage = typeof page === 'number' ? page : outerPage;
  const below = (prefix: string) => folder.subFolders().filter(({ name }) => name.startsWith(prefix));
  return {
    properties: propertiesOf(folder, headBytes, names, codePage),
    recipients: below('__recip_version1.0_').map((one) => propertiesOf(one, 8, names, codePage)),
    attachments: below('__attach_version1.0_').map((one): MapiAttachment => {
      const properties = propertiesOf(one, 8, names, codePage);
      const isData = ({ property }: MapiPropertyValue) => 'tag' in property && property.tag === attachData;
      const data = properties.find(isData)?.value;
      const inside = one.subFolders().find(({ name }) => name === '__substg1.0_3701000D');
      return {
        properties: properties.filter((each) => !isData(each)),
        content: Buffer.isBuffer(data) ? payloadOfBytes(data) : null,
        message: inside === undefined ? null : messageOf(inside, 24, names, codePage),
      };
    }),
  };
}

/** @param codePage Of texts that are not Unicode, where the message names none. */
export function messageOfOutlookFile(file: Buffer, codePage = 1252): MapiMessage {
  const reader = new Reader(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer);
  reader.parse();
  const root = reader.rootFolder();
  return messageOf(root, 32, namesOf(root), codePage);
}
