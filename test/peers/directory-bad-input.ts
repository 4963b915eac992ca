import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { expectInPlace, expectOneEach, Place, reasonsOf, withRights } from './directory-place.ts';
import { aliasOf, all, escaped, one, type PeerForest } from './forest-end.ts';
import { Relay } from './relay.ts';
import type { SambaForest, SambaForests } from './samba-forests.ts';
import type { PeerContext } from './suite.ts';

/** Every character that a DN, a filter or a shell might take for its own, at every end. */
const awkwardNames = [
  'Huber, Anna',
  'a+b=c',
  '"quoted"',
  'back\\slash',
  'trailing\\',
  '<angle>',
  'semi;colon',
  '#hash',
  'star*(paren)|&!',
  'slash/DC=evil,DC=x',
  'Müller Жук 日本 😀',
  "O'Neil & Söhne",
  '<GUID=00000000-0000-0000-0000-000000000000>',
] as const;

const withFewRights = ({ guest, ...forest }: SambaForest): PeerForest => ({ ...forest, ...guest });

/** What only a real directory shows of bad input: each has a named outcome, and nothing is written by half. */
export async function directoryBadInput(context: PeerContext, forests: SambaForests, rounds: number): Promise<void> {
  await badPeople(context, forests);
  await fewRights(context, forests);
  await troubleOnTheWay(context, forests, rounds);
}

async function badPeople(context: PeerContext, forests: SambaForests): Promise<void> {
  const check = (name: string, body: () => Promise<void>) => context.check(`bad input: ${name}`, body);
  const place = await Place.open(
    context,
    forests,
    'Bad',
    `
tree: mirror
attributes:
  title: { on: target, template: '{info}' }
  personalTitle: { on: target, template: '{comment}' }
`,
  );
  const { source, target, project } = place;
  const people = place.people(source);
  try {
    for (const name of awkwardNames) await source.mailbox(people, name);
    const unit = `OU=${escaped('Büro, "Süd" <1>+2;=#\\')},${people}`;
    await source.units(unit);
    await source.mailbox(unit, 'Office person');
    const inner = await source.group(people, 'Circle inner', []);
    const outer = await source.group(people, 'Circle outer', [inner]);
    await source.gain(inner, 'member', [outer]);
    const itself = await source.group(people, 'Circle of one', []);
    await source.gain(itself, 'member', [itself]).catch(() => {});
    await source.mailbox(people, 'Twin one', {
      proxyAddresses: ['SMTP:twinone@source.test', 'smtp:twins@source.test'],
    });
    await source.mailbox(people, 'Twin two', {
      proxyAddresses: ['SMTP:twintwo@source.test', 'smtp:twins@source.test'],
    });
    const disabled = await source.mailbox(people, 'Disabled person', { userAccountControl: '546' });
    await source.mailbox(people, 'Long title', { info: 'x'.repeat(200) });
    await source.mailbox(people, 'Refused title', { comment: 'x'.repeat(200) });
    const again = await source.mailbox(people, 'Recreated person');
    const moved = await source.mailbox(people, 'Moved person');
    const leaves = await source.mailbox(people, 'Leaving person');
    await source.mailbox(people, 'Robbed person');
    await source.add(`CN=Circle a,${people}`, mailUser('Circle a', 'circleb@target.test', 'source.test'));
    await target.add(`CN=Circle b,${place.people(target)}`, mailUser('Circle b', 'circlea@source.test', 'target.test'));
    await project.settle();
    const waiting = await project.waiting();

    await check('names with every special character, and a unit of that name', async () => {
      for (const name of [...awkwardNames, 'Office person']) {
        const shadow = await place.shadowOf(name);
        equal(one(shadow, 'cn'), name);
        equal(one(shadow, 'displayName'), name);
      }
      match((await place.shadowOf('Office person'))?.dn ?? '', /^CN=Office person,OU=B.*,OU=Bad,OU=Partner,/);
    });
    await check('groups in a circle, and one in itself', async () => {
      const [in1, out1] = [await place.shadowOf('Circle inner'), await place.shadowOf('Circle outer')];
      deepEqual(all(in1, 'member'), [out1?.dn]);
      deepEqual(all(out1, 'member'), [in1?.dn]);
      const own = await place.shadowOf('Circle of one');
      deepEqual(all(own, 'member'), all(await source.read(itself, ['member']), 'member').length > 0 ? [own?.dn] : []);
    });
    await check('two people with one address wait', async () => {
      for (const name of ['Twin one', 'Twin two']) {
        deepEqual(reasonsOf(waiting, `${name} (`).slice(0, 1), ['address-twice'], name);
        equal(await place.shadowOf(name), null);
      }
    });
    await check('redirections in a circle wait, and nobody is written', async () => {
      deepEqual(
        [...new Set(reasonsOf(waiting, 'Circle a').concat(reasonsOf(waiting, 'Circle b')))],
        ['redirection-loop'],
      );
      equal(all(await source.read(`CN=Circle a,${people}`, ['proxyAddresses']), 'proxyAddresses').length, 1);
    });
    await check('a value over the range of its attribute is left out, and said', async () => {
      equal(one(await place.shadowOf('Long title'), 'title'), '');
      const notes = (await project.journal()).filter(({ reason }) => reason === 'value-too-long');
      deepEqual(
        notes.map(({ before }) => Object.keys(before)),
        [['title']],
      );
    });
    await check('a value that the server refuses stops its own object only', async () => {
      deepEqual(reasonsOf(waiting, 'Refused title'), ['value-refused']);
      equal(await place.shadowOf('Refused title'), null);
    });
    await check('a disabled account waits, is made once enabled, and stays when disabled again', async () => {
      deepEqual(reasonsOf(waiting, 'Disabled person'), ['disabled']);
      equal(await place.shadowOf('Disabled person'), null);
      await source.set(disabled, { userAccountControl: '544' });
      await project.settle();
      const guid = one(await place.shadowOf('Disabled person'), 'adminDescription');
      ok(guid !== '', 'nobody stands for the one who was enabled');
      await source.set(disabled, { userAccountControl: '546' });
      await project.settle();
      equal(one(await place.shadowOf('Disabled person'), 'adminDescription'), guid);
      equal(one(await place.shadowOf('Disabled person'), 'userAccountControl'), '514');
    });
    await check('one who is deleted and made again under the same name is a new person', async () => {
      const mark = one(await place.shadowOf('Recreated person'), 'adminDescription');
      await source.remove(again);
      await source.mailbox(people, 'Recreated person');
      const [first] = await project.sync();
      ok(first !== undefined);
      await project.settle();
      const now = one(await place.shadowOf('Recreated person'), 'adminDescription');
      ok(now !== '' && now !== mark, `the mark is ${now}, and was ${mark}`);
    });
    await check('what stands for somebody and is deleted by others is made again', async () => {
      const robbed = await place.shadowOf('Robbed person');
      ok(robbed !== null);
      await target.remove(robbed.dn);
      await project.settle();
      ok((await place.shadowOf('Robbed person')) !== null, 'nobody stands for the robbed person');
    });
    await check('renamed and moved within the scope, and out of it', async () => {
      await source.rename(moved, `CN=${escaped('Moved, and renamed')},${unit}`);
      await source.rename(leaves, `CN=Leaving person,${place.outside(source)}`);
      await project.settle();
      const shadow = await place.shadowOf('Moved person');
      equal(one(shadow, 'cn'), 'Moved, and renamed');
      match(shadow?.dn ?? '', /,OU=B.*,OU=Bad,OU=Partner,/);
      deepEqual(await place.waits('Leaving person'), ['left-scope']);
      await source.set(`CN=Leaving person,${place.outside(source)}`, { displayName: 'Somebody else' });
      await project.settle();
      equal(one(await place.shadowOf('Leaving person'), 'displayName'), 'Leaving person');
    });
    await check('clocks that are a day fast or slow change nothing', async () => {
      const person = `CN=Office person,${unit}`;
      for (const [hours, text] of [
        [25, 'fast'],
        [-25, 'slow'],
      ] as const) {
        await source.set(person, { department: text });
        const passes = await project.sync(project.clockOff(hours * 60));
        deepEqual(
          passes.map(({ writes }) => writes),
          [1],
        );
        equal(
          one(await target.read((await place.shadowOf('Office person'))?.dn ?? '', ['department']), 'department'),
          text,
        );
      }
      const [idle] = await project.sync();
      equal(idle?.writes, 0);
    });
    await check('in the end nobody has two, and nothing is open', async () => {
      await expectOneEach(place);
      const [idle] = await project.sync();
      equal(idle?.writes, 0);
    });
  } finally {
    await place.close();
  }
}

/** An account that mail is sent on from, and that has no mailbox. */
const mailUser = (name: string, to: string, domain: string) => ({
  objectClass: 'user',
  sAMAccountName: aliasOf(name),
  userAccountControl: '544',
  displayName: name,
  mailNickname: aliasOf(name),
  mail: `${aliasOf(name)}@${domain}`,
  proxyAddresses: `SMTP:${aliasOf(name)}@${domain}`,
  targetAddress: `SMTP:${to}`,
  msExchRecipientTypeDetails: '128',
  msExchRecipientDisplayType: '6',
});

/** An account that may write in one unit and not in the other. */
async function fewRights(context: PeerContext, forests: SambaForests): Promise<void> {
  const as = { source: withFewRights(forests.source), target: withFewRights(forests.target) };
  const place = await Place.open(context, forests, 'Rights', '', as);
  const { source, project } = place;
  try {
    for (let n = 0; n < 5; n++) {
      await source.mailbox(place.people(source), `Open ${n}`);
      await source.mailbox(place.closed(source), `Closed ${n}`);
    }
    await context.check(
      'bad input: without rights on one unit its people wait, whole, and the others go on',
      async () => {
        const before = await source.search(place.closed(source), '(objectClass=user)', [
          'uSNChanged',
          'proxyAddresses',
        ]);
        const [pass] = await project.sync();
        equal(pass?.refused, 5);
        const waiting = await project.waiting();
        for (let n = 0; n < 5; n++) {
          deepEqual(reasonsOf(waiting, `Closed ${n}`), ['no-rights']);
          equal(await place.shadowOf(`Closed ${n}`), null);
          ok((await place.shadowOf(`Open ${n}`)) !== null, `nobody stands for Open ${n}`);
        }
        deepEqual(
          await source.search(place.closed(source), '(objectClass=user)', ['uSNChanged', 'proxyAddresses']),
          before,
        );
      },
    );
    await context.check('bad input: once the right is given they are made', async () => {
      for (let n = 0; n < 5; n++)
        await source.rename(
          source.at(`CN=Closed ${n}`, 'OU=In', 'OU=Rights', 'OU=Closed'),
          `CN=Closed ${n},${place.people(source)}`,
        );
      await project.settle();
      equal((await project.waiting()).length, 0);
      equal((await place.shadows()).length, 10);
      await expectOneEach(place);
    });
  } finally {
    await place.close();
  }
}

/** Bytes that a write of a person takes on the way, and those before the first one; roughly. */
const WRITE_BYTES = 900;
const FIRST_BYTES = 9000;

/** What happens while a pass is under way: each at another moment of it. */
async function troubleOnTheWay(context: PeerContext, forests: SambaForests, rounds: number): Promise<void> {
  const relay = context.started(await Relay.open('127.0.0.12', 6362, 636));
  const through = { ...withRights(forests.target), controllers: ['ldaps://127.0.0.12:6362'] };
  const as = { source: withRights(forests.source), target: through };
  const place = await Place.open(context, forests, 'Trouble', '', as);
  const { source, project } = place;
  const people = place.people(source);
  let number = 0;
  /** Of a crowd of 40, in bytes: while it is read first, then early and late while it is written. */
  const moment = (round: number) => FIRST_BYTES + ([3, 30, -7, 17][round % 4] ?? 0) * WRITE_BYTES;
  const crowd = async (): Promise<readonly string[]> => {
    const dns: string[] = [];
    for (let n = 0; n < 40; n++) dns.push(await source.mailbox(people, `Trouble ${++number}`));
    return dns;
  };
  const check = (name: string, body: () => Promise<void>) => context.check(`bad input: ${name}`, body);
  const sync = ['directory', 'sync', '--json'];
  try {
    await check('a controller that is gone in the middle is said, and the next run finishes', async () => {
      for (let round = 0; round < rounds; round++) {
        await crowd();
        relay.cutAfter(moment(round));
        const broken = await project.run(sync);
        equal(relay.isCut, true, 'the line was not cut in the middle');
        const without = await project.run(sync);
        relay.mend();
        for (const { status, stdout } of [broken, without]) {
          equal(status, 4, stdout);
          match(stdout, /"code":"transient","message":"[^"]*127\.0\.0\.12:6362/);
        }
        await project.settle();
        await expectInPlace(place);
      }
    });
    await check('another controller takes over from one that is gone', async () => {
      project.use({ ...as, target: { ...through, controllers: [...through.controllers, forests.target.url] } });
      await crowd();
      relay.cutAfter(FIRST_BYTES + 10 * WRITE_BYTES);
      equal((await project.run(sync)).status, 4);
      await project.settle();
      equal(relay.isCut, true);
      relay.mend();
      project.use(as);
      await expectInPlace(place);
    });
    await check('people renamed, moved, deleted and made again while a pass is under way', async () => {
      for (let round = 0; round < rounds; round++) {
        const dns = await crowd();
        const held = relay.hold(moment(round));
        const running = project.run(sync);
        await Promise.race([held, running]);
        const [renames = '', moves = '', dies = '', returns = '', changes = ''] = dns.slice(-5);
        await source.rename(renames, `CN=Renamed ${number},${people}`);
        await source.rename(moves, `CN=Moved ${number},${place.outside(source)}`);
        await source.remove(dies);
        await source.remove(returns);
        await source.mailbox(people, /^CN=([^,]*)/.exec(returns)?.[1] ?? '');
        await source.set(changes, { department: `Department ${number}` });
        relay.go();
        const { status, stderr } = await running;
        ok(status === 0 || status === 3, `the run ended with ${status}: ${stderr}`);
        await project.settle();
        await expectInPlace(place);
      }
    });
  } finally {
    relay.go();
    await place.close();
  }
}
