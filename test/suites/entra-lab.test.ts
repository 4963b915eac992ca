import { systemClock } from '#kit/clock.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { EntraLab } from '../connectors/entra-lab.fixture.ts';
import { directorySuite } from './directory-suite.ts';

const noTree = 'a tenant has no tree: no containers, no DNs, and a scope is made of filters and groups';
const byExchange = 'contacts and what mail needs are made by Exchange: they are handed over as a script';

directorySuite({
  name: 'Entra directory of the lab',
  async open() {
    const tenant = new EntraLab({ clock: systemClock });
    return {
      into: '' as DistinguishedName,
      closed: '' as DistinguishedName,
      valuesAtOnce: 200,
      make: async (kind, name, attributes) => tenant.make(kind, name, attributes),
      open: () => tenant.open(),
      restricted: () => tenant.open(),
      wrongPassword: (secret) => tenant.open({ secret }),
      unreachable: () => tenant.open({ endpoint: 'https://127.0.0.1:9' }),
      close: () => tenant.lab.close(),
    };
  },
  deviations: [
    { test: 'says what it is', because: 'Graph shows nothing of the Exchange organization behind the tenant' },
    {
      test: 'a reading from the beginning names what is in scope, and then nothing, in one search a domain',
      because: noTree,
    },
    { test: 'pages of a large container are complete', because: byExchange },
    {
      test: 'a filter of the scope decides, and what leaves it is gone',
      because: 'delta queries filter by id only: who asks compares',
    },
    { test: 'a cursor that is not ours, or for other attributes, begins anew', because: noTree },
    { test: 'names are resolved to objects and back, in the whole forest', because: noTree },
    {
      test: 'objects are found by any of several values in any of several attributes',
      because: 'Graph does not show targetAddress, so nobody is found by it',
    },
    { test: 'bytes are hex, found by hex', because: 'Graph does not show the GUID of a mailbox' },
    { test: 'tells what was made, changed, moved, renamed and deleted, and by what name it went', because: noTree },
    {
      test: 'one who was deleted and made again under the same name is another',
      because: 'every user has a display name',
    },
    { test: 'a container that is renamed tells all that lies below', because: noTree },
    { test: 'an account without the right to replicate hears the same', because: noTree },
    { test: 'every special character of names', because: byExchange },
    { test: 'what an edit expects must be there, letter by letter, or nothing is written', because: byExchange },
    {
      test: 'of two who write at the same time one is refused',
      because: 'Graph has no conditional writes: an object is read just before, and a window remains',
    },
    { test: 'names, containers and attributes that are refused, each with its reason', because: byExchange },
    {
      test: 'an account that has a mailbox is not removed',
      because: 'in a tenant a licence makes mailboxes, no attribute: its own test has people with one',
    },
    { test: 'a container with something in it is not removed', because: noTree },
    { test: 'an account without rights on one container is refused there and works elsewhere', because: noTree },
    { test: 'a group of more members than a server hands out at once is read whole', because: byExchange },
  ],
});
