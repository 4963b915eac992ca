import { createSignIn, type SignIn, type SignInSettings, type SignInSurroundings } from '../sign-in/sign-in.ts';
import { drain } from '../sign-in/sign-in-refused.ts';
import { type FormsSettings, formsSignIn, wantsLogon } from './forms-sign-in.ts';

/** How these servers are signed in to: as any other, or by the form that people fill in. */
export type DavSignInSettings = SignInSettings | ({ readonly method: 'forms' } & FormsSettings);

/** With `auto` a server that answers with its log-on page is signed in to by that. */
export function davSignIn(settings: DavSignInSettings, surroundings: SignInSurroundings): SignIn {
  const plain = surroundings.allowPlain === undefined ? {} : { allowPlain: surroundings.allowPlain };
  if (settings.method === 'forms') return formsSignIn(settings, plain);
  const inner = createSignIn(settings, surroundings);
  if (settings.method !== 'auto') return inner;
  const forms = formsSignIn(settings, plain);
  const byForms = new Set<string>();
  return {
    get method() {
      return byForms.size > 0 ? forms.method : inner.method;
    },
    async send(connection, peer, request, signal) {
      if (byForms.has(peer.host)) return forms.send(connection, peer, request, signal);
      const response = await inner.send(connection, peer, request, signal);
      if (!wantsLogon(response)) return response;
      await drain(response);
      byForms.add(peer.host);
      return forms.send(connection, peer, request, signal);
    },
  };
}
