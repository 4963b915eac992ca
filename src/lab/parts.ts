import { ewsEndpoint } from './ews/endpoint.ts';
import type { LabParts } from './lab.ts';
import { people } from './world/people.ts';

/** What the lab is made of when nobody says otherwise. */
export const labParts: LabParts = {
  ews: (organization) => ewsEndpoint(organization.world, organization.name),
  people,
};
