import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { reference } from '#formats/text/reference.fixture.ts';
import type { MailFacts, MailState } from '#model/mail.ts';
import { mailProperties, mailStateFields } from '#model/mail-properties.ts';

export const samplesFolder = reference('peers/samples/eml');

export interface Sample {
  /** Path below the folder of the samples. */
  readonly name: string;
  readonly mime: Buffer;
}

/** The real messages that tests move and alter, in order of their names. */
export const samples: readonly Sample[] =
  samplesFolder === null
    ? []
    : readdirSync(samplesFolder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.eml'))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => ({ name: relative(samplesFolder, path), mime: readFileSync(path) }));

/** The n-th item's state and facts: every sample value of every carried field occurs, in changing company. */
export function variedProperties(n: number): {
  readonly state: Partial<MailState>;
  readonly facts: Partial<MailFacts>;
} {
  const at = (values: readonly unknown[], k: number) =>
    values[(n * 7 + k * 3 + Math.floor(n / values.length)) % values.length];
  const state = Object.fromEntries(mailStateFields.map((field, k) => [field, at(mailProperties[field].sample, k)]));
  const facts = Object.fromEntries(
    Object.entries(mailProperties)
      .filter(([, row]) => row.carriage === 'fact')
      .map(([field, row], k) => [field, at(row.sample, k)]),
  );
  return {
    state: { ...state, isRead: n % 2 === 0 },
    facts: {
      ...facts,
      subject: `sample ${n}`,
      internetMessageId: n % 5 === 0 ? null : `<${n}@source.test>`,
      readReceiptRequested: n % 3 === 0,
    },
  };
}
