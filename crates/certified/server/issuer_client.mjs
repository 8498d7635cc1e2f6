// How the API asks the authorization server about tokens.

import { once } from 'node:events';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';

import { createLocalJWKSet } from 'jose';

// The client of the API for introspection.
export const API = { client_id: 'api', client_secret: 'the secret of the API' };

// Fetches the issuer's keys (RFC 7517), and returns them with a function that introspects a token (RFC 7662).
export async function issuerClient(issuer, authority) {
  const fetchJson = async (url, options = {}, body = '') => {
    const call = request(url, { ca: authority, ...options });
    call.end(body);
    const [response] = await once(call, 'response');
    return json(response);
  };
  const metadata = await fetchJson(`${issuer}/.well-known/oauth-authorization-server`);
  const keys = createLocalJWKSet(await fetchJson(metadata.jwks_uri));
  const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const introspect = (token) => {
    return fetchJson(metadata.introspection_endpoint, form, `${new URLSearchParams({ token, ...API })}`);
  };
  return { keys, introspect };
}
