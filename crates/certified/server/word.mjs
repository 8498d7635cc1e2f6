// What an authorization server says of its tokens to whoever they are shown to.

import { once } from 'node:events';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';

import { createLocalJWKSet } from 'jose';

// The client as which the API introspects.
export const API = { client_id: 'api', client_secret: 'the secret of the API' };

// The issuer's keys (RFC 7517), and a function that asks it about a token (RFC 7662).
export async function wordOf(issuer, authority) {
  const ask = async (url, options = {}, body = '') => {
    const asking = request(url, { ca: authority, ...options });
    asking.end(body);
    const [response] = await once(asking, 'response');
    return json(response);
  };
  const metadata = await ask(`${issuer}/.well-known/oauth-authorization-server`);
  const keys = createLocalJWKSet(await ask(metadata.jwks_uri));
  const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const introspect = (token) => ask(metadata.introspection_endpoint, form, `${new URLSearchParams({ token, ...API })}`);
  return { keys, introspect };
}
