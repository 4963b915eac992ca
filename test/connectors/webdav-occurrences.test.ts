/** What a single occurrence of a series has for itself, over WebDAV against the lab's 2003: who is asked to it, and what is attached to it. */
import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { Attendee } from '#model/appointment.ts';
import { TypedBench } from '#test/suites/typed-bench.ts';
import { attachment, attendees, nth, seriesDraft } from '#test/suites/typed-drafts.ts';
import { openWebdavLab } from './webdav-lab.fixture.ts';

const asked = (all: readonly Attendee[] | undefined) => all?.map(({ address, role }) => `${role} ${address}`).sort();
const open = attendees.map((one): Attendee => ({ ...one, response: 'none', respondedAt: null }));
const guest: Attendee = {
  name: 'Gil Guest',
  address: 'gil@guests.test',
  role: 'optional',
  response: 'none',
  respondedAt: null,
};

test('its people and its files are written, read, changed and taken away, and those of the series stay', async () => {
  const it = await openWebdavLab(1 << 20);
  try {
    const b = new TypedBench(it);
    const [ofSeries, agenda, minutes] = ['series.txt', 'agenda.txt', 'minutes.txt'].map((name) =>
      attachment(name, name),
    ) as [ReturnType<typeof attachment>, ReturnType<typeof attachment>, ReturnType<typeof attachment>];
    const { id, unkept } = await b.create(
      seriesDraft({
        fields: { attendees: open },
        attachments: [ofSeries],
        occurrences: [
          { day: nth(1), overrides: { attendees: [...open, guest] } },
          { day: nth(2), overrides: { attachments: [agenda.head] } },
        ],
        occurrenceAttachments: new Map([[nth(2), [agenda]]]),
      }),
    );
    // The owner becomes the organizer; nothing else is lost.
    expect(Object.keys(unkept)).toEqual(['organizer']);
    const before = await b.event(id);
    expect(asked(before.fields.attendees)).toEqual(asked(open));
    expect(before.occurrences.map(({ overrides }) => asked(overrides.attendees))).toEqual([
      asked([...open, guest]),
      undefined,
    ]);
    expect(before.occurrences[1]?.overrides.attachments?.map(({ hash }) => hash)).toEqual([agenda.head.hash]);

    const after = await b.edited(before, {
      occurrences: [
        { day: nth(1), do: 'modify', overrides: { attendees: [guest] } },
        { day: nth(2), do: 'modify', overrides: { attachments: [minutes.head] } },
      ],
      attachments: new Map([[minutes.head.hash, minutes]]),
    });
    expect(after.occurrences.map(({ overrides }) => asked(overrides.attendees))).toEqual([asked([guest]), undefined]);
    const files = await b.events.attachments(id, nth(2), [minutes.head, agenda.head], b.context);
    expect([...files.keys()]).toEqual([minutes.head.hash]);
    const bytes = must(files.get(minutes.head.hash), 'the file').bytes;
    expect((await payloadBytes(bytes)).toString()).toBe('minutes.txt');
    await bytes.dispose();
    expect(after.fields.attachments.map(({ hash }) => hash)).toEqual([ofSeries.head.hash]);
    expect(asked(after.fields.attendees)).toEqual(asked(open));
    expect(it.people.sent()).toEqual([]);
  } finally {
    await it.close();
  }
});
