import { deepEqual, equal, match } from 'node:assert/strict';
import { expectInPlace, Place, withRights } from './directory-place.ts';
import { one } from './forest-end.ts';
import { Relay } from './relay.ts';
import { replicate, type SambaForests, secondController } from './samba-forests.ts';
import type { PeerContext } from './suite.ts';

/**
 * The first controller of the source goes away before the second one has heard of what was written there. What the second one shows is the
 * past then: believed, it would undo what people wrote meanwhile, and make everybody twice who was made last.
 */
export async function directoryControllers(context: PeerContext, forests: SambaForests): Promise<void> {
  const relay = context.started(await Relay.open('127.0.0.11', 6361, 636));
  const source = { ...withRights(forests.source), controllers: ['ldaps://127.0.0.11:6361', secondController] };
  const place = await Place.open(context, forests, 'Lag', '', { source, target: withRights(forests.target) });
  const { project } = place;
  const count = async () => (await place.shadows(place.source)).length;
  const check = (name: string, body: () => Promise<void>) => context.check(`two controllers: ${name}`, body);
  try {
    const ann = await place.source.mailbox(place.people(place.source), 'Ann of Lag');
    await place.target.mailbox(place.people(place.target), 'First of Lag');
    await replicate(context, forests);
    await project.settle();
    equal(await count(), 1);
    await replicate(context, forests);

    await place.target.mailbox(place.people(place.target), 'Second of Lag');
    await place.source.set(ann, { telephoneNumber: '+43 1' });
    await project.sync();
    equal(await count(), 2);
    const before = await place.shadows();
    relay.cut();
    await check('nothing is done with one that lags behind the one that is gone', async () => {
      for (let n = 0; n < 2; n++) {
        const { status, stdout } = await project.run(['directory', 'sync', '--json']);
        equal(status, 4, stdout);
        match(stdout, /dc2\.source\.test has not heard yet of [0-9]+ of [0-9]+ objects/);
      }
      deepEqual(await place.shadows(), before);
    });
    await replicate(context, forests);
    await check('it takes over as soon as it has heard of everything, and nobody is made twice', async () => {
      await project.settle();
      equal(await count(), 2);
      equal(one(await place.shadowOf('Ann of Lag'), 'telephoneNumber'), '+43 1');
      await place.target.mailbox(place.people(place.target), 'Third of Lag');
      await project.settle();
      await replicate(context, forests);
      equal(await count(), 3);
      await expectInPlace(place);
    });
    relay.mend();
    await check('back at the first one, once it has heard of what the second one was written', async () => {
      await project.settle();
      equal(await count(), 3);
      await expectInPlace(place);
    });
  } finally {
    await place.close();
  }
}
